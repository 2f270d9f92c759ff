package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// Options say which database to open, and how.
type Options struct {
	// URL is sqlite:PATH, or postgres://... (or postgresql://...).
	URL string
	// MasterKey encrypts secrets. When it is nil, the key is the one in the file
	// beside the SQLite file, or in the PostgreSQL database, and is made if there
	// is none.
	MasterKey []byte
	// Opened, if set, is the SQLite database to use instead of opening the one at
	// URL. The store closes it.
	Opened database.DB
	// Wrap, if set, returns what the store uses in place of the opened database.
	// It is not used until the tables are as they should be.
	Wrap  func(database.DB) database.DB
	Clock clock.Clock
	// Health is told whether the database can be read and written, and whether this
	// process hears of the work of others; nil for none.
	Health *health.Monitor
	// Log may be nil, for none.
	Log *slog.Logger
}

// CheckURL returns an error that says what a database URL must look like, if
// this one does not.
func CheckURL(url string) error {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	switch {
	case isFile && path != "":
		return nil
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return nil
	}
	return errors.New("want sqlite:PATH, such as sqlite:./runhook-data/runhook.db, or postgres://user:password@host/database")
}

// Open opens a database, brings its tables to the form this program knows, and
// returns the store on it. It fails with [database.ErrInUse] when another
// process has the SQLite file open.
func Open(ctx context.Context, options Options) (*Store, error) {
	if err := CheckURL(options.URL); err != nil {
		return nil, err
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Health == nil {
		options.Health = health.New(health.Config{Clock: options.Clock})
	}
	s := &Store{
		clock: options.Clock, reads: options.Health.Component(ReadsComponent), writes: options.Health.Component(WritesComponent),
	}
	if options.Opened != nil {
		s.db = options.Opened
	} else if path, ok := strings.CutPrefix(options.URL, "sqlite:"); ok {
		db, err := sqlite.Open(ctx, path, sqlite.Options{})
		if err != nil {
			return nil, err
		}
		s.db = db
	} else {
		db, err := postgres.Open(ctx, options.URL, postgres.Options{Listening: options.Health.Component("messages of other processes")})
		if err != nil {
			return nil, err
		}
		s.db = db
	}
	if err := s.prepare(ctx, options); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	if options.Wrap != nil {
		s.db = options.Wrap(s.db)
	}
	return s, nil
}

// EnvironmentsInUse returns the environments of a SQLite database that another
// process has open.
func EnvironmentsInUse(ctx context.Context, options Options) (environments []*model.Environment, err error) {
	path, _ := strings.CutPrefix(options.URL, "sqlite:")
	key := options.MasterKey
	if key == nil {
		if key, err = keyFile(path + keySuffix); err != nil {
			return nil, fmt.Errorf("encryption key: %w", err)
		}
	}
	box, err := newBox(key)
	if err != nil {
		return nil, err
	}
	err = sqlite.ViewFile(ctx, path, func(conn database.Conn) error {
		environments, err = (&Tx{conn: conn, now: options.Clock.Now(), box: box}).Environments()
		return err
	})
	return environments, err
}

// keySuffix names the key file beside a SQLite file.
const keySuffix = ".key"

func (s *Store) prepare(ctx context.Context, options Options) error {
	if err := migrations.Run(ctx, s.db); err != nil {
		return err
	}
	key := options.MasterKey
	if key == nil {
		var err error
		if file, ok := s.db.(interface{ Path() string }); ok {
			key, err = keyFile(file.Path() + keySuffix)
		} else {
			key, err = s.storedKey(ctx, options.Log)
		}
		if err != nil {
			return fmt.Errorf("encryption key: %w", err)
		}
	}
	var err error
	s.box, err = newBox(key)
	return err
}

// keyFile returns the master key that a file holds, which is made if it is not
// there.
func keyFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := ParseMasterKey(strings.TrimSpace(string(text)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key := NewMasterKey()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = fmt.Fprintf(file, "%x\n", key); err == nil {
		err = file.Sync()
	}
	return key, errors.Join(err, file.Close())
}

const masterKeySetting = "encryption_key"

// storedKey returns the master key that the database itself holds, which is made
// if there is none: many processes then need nothing but its URL.
func (s *Store) storedKey(ctx context.Context, log *slog.Logger) ([]byte, error) {
	log.Warn("the key that encrypts secrets is kept in the database itself; set RUNHOOK_ENCRYPTION_KEY to keep it elsewhere")
	var text string
	err := s.Update(ctx, func(tx *Tx) error {
		fresh := fmt.Sprintf("%x", NewMasterKey())
		if _, err := tx.conn.Exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			masterKeySetting, fresh); err != nil {
			return err
		}
		_, err := database.First(tx.conn, `SELECT value FROM settings WHERE name = $1`, []any{masterKeySetting}, &text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ParseMasterKey(text)
}
