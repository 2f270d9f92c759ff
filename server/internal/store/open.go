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
	Wrap func(database.DB) database.DB
	// EvenMoved opens also a database that was moved ([MovedError]).
	EvenMoved bool
	// Clock is this process's.
	Clock clock.Clock
	// SharedClock, if set, is used in place of the one that the processes on the
	// database share ([Tx.SharedNow]), for tests in which Clock is not the system's.
	SharedClock clock.Clock
	// Health records whether the database can be read and written, and whether this
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
	s := &Store{clock: options.Clock, condition: newCondition(options.Clock, options.Health)}
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
	s.shared = sharedClock(options, s.db.Dialect())
	s.file, _ = s.db.(fileChecker)
	if options.Wrap != nil {
		s.db = options.Wrap(s.db)
	}
	return s, nil
}

// keySuffix names the key file beside a SQLite file.
const keySuffix = ".key"

func (s *Store) prepare(ctx context.Context, options Options) error {
	if !options.EvenMoved {
		if err := s.db.View(ctx, checkMoved); err != nil {
			return err
		}
	}
	if err := migrations.Run(ctx, s.db); err != nil {
		return postgres.Explain(err)
	}
	key := options.MasterKey
	if key == nil {
		var err error
		if file, ok := s.db.(interface{ Path() string }); ok {
			key, err = s.keyFile(ctx, file.Path()+keySuffix)
		} else {
			key, err = s.storedKey(ctx, options.Log)
		}
		if err != nil {
			return fmt.Errorf("encryption key: %w", err)
		}
	}
	var err error
	if s.box, err = newBox(key); err != nil {
		return err
	}
	return s.upgrade(ctx)
}

// keyFile returns the master key that the file beside a SQLite database holds. It
// is made for a new database only: with another key than the one it was made with,
// what an existing database holds is lost.
func (s *Store) keyFile(ctx context.Context, path string) ([]byte, error) {
	key, err := readKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	used, err := s.holdsSecrets(ctx)
	if err != nil {
		return nil, err
	}
	if used {
		return nil, missingKeyFile(path, fs.ErrNotExist)
	}
	return makeKeyFile(path)
}

// holdsSecrets reports whether a database has what a master key was needed for.
func (s *Store) holdsSecrets(ctx context.Context) (used bool, err error) {
	err = s.db.View(ctx, func(conn database.Conn) error {
		used, err = database.First(conn, `SELECT 1 FROM environments`, nil, new(int))
		return err
	})
	return used, err
}

// missingKeyFile adds to the error of a key file that is not there what to do.
func missingKeyFile(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("the file %s is missing, and this database was made with the key in it: "+
		"put it back from where it was, or set RUNHOOK_ENCRYPTION_KEY to that key", path)
}

func readKeyFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := ParseMasterKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

func makeKeyFile(path string) ([]byte, error) {
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

// errMissingStoredKey is what a PostgreSQL database gives that was made with a key
// from elsewhere.
var errMissingStoredKey = errors.New("this database was made with a key of yours: set RUNHOOK_ENCRYPTION_KEY to it")

// storedKey returns the master key that the database itself holds, so that many
// processes need nothing but its URL. It is made for a new database only.
func (s *Store) storedKey(ctx context.Context, log *slog.Logger) ([]byte, error) {
	log.Warn("the key that encrypts secrets is kept in the database itself; set RUNHOOK_ENCRYPTION_KEY to keep it elsewhere")
	var text string
	err := s.Update(ctx, func(tx *Tx) error {
		used, err := database.First(tx.conn, `SELECT 1 FROM environments`, nil, new(int))
		if err != nil {
			return err
		}
		found, err := database.First(tx.conn, `SELECT value FROM settings WHERE name = $1`, []any{masterKeySetting}, &text)
		if err != nil || found {
			return err
		}
		if used {
			return errMissingStoredKey
		}
		fresh := fmt.Sprintf("%x", NewMasterKey())
		if _, err := tx.conn.Exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			masterKeySetting, fresh); err != nil {
			return err
		}
		_, err = database.First(tx.conn, `SELECT value FROM settings WHERE name = $1`, []any{masterKeySetting}, &text)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ParseMasterKey(text)
}
