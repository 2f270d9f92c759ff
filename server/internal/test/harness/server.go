package harness

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// patience turns a hang into a failure. Nothing is measured by it.
const patience = 90 * time.Second

// Memory is the database of most tests: SQLite without waiting for the disk.
const Memory = "sqlite::memory:"

// EachDatabase runs a test on SQLite and on PostgreSQL, side by side, with an
// empty database of each.
func EachDatabase(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("on SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, Memory)
	})
	t.Run("on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, Postgres(t))
	})
}

// tables is a SQLite file with the tables of a server, in which no server has been.
var tables = sync.OnceValues(func() (content []byte, err error) {
	folder, err := os.MkdirTemp("", "tables-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "runhook.db")
	db, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(migrations.Run(context.Background(), db), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// inMemory opens a database like [Memory], with the tables of a server.
func inMemory(t testing.TB) database.DB {
	t.Helper()
	content, err := tables()
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{Content: content})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// Postgres creates a PostgreSQL database with the tables of a server, in which no
// server has been, and returns its URL. It is dropped after the test.
func Postgres(t testing.TB) string {
	t.Helper()
	return testpostgres.Copy(t, "tables_"+migrations.Sum(), func(url string) error {
		return migrate(context.Background(), url)
	})
}

func migrate(ctx context.Context, url string) error {
	monitor := health.New(health.Config{Clock: clock.System{}})
	db, err := postgres.Open(ctx, url, postgres.Options{Listening: monitor.Component("messages of other processes")})
	if err != nil {
		return err
	}
	return errors.Join(migrations.Run(ctx, db), db.Close())
}

// Options say which server to start. The zero value is a server on [Memory]
// with a clock of its own.
type Options struct {
	Database string
	Clock    *Clock
	// Adjust changes the configuration before the server starts.
	Adjust func(*server.Config)
}

// Server is a running server.
type Server struct {
	t   testing.TB
	URL string
	// Address is the host and port at which it listens.
	Address string
	// Clock is nil for a server that runs elsewhere.
	Clock    *Clock
	Database string
	keys     map[protocol.EnvironmentType]server.Key
	stop     func()
	link     func() string
}

// Start starts a server, which ends with the test at the latest.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	s := &Server{t: t, Clock: options.Clock, Database: options.Database, keys: map[protocol.EnvironmentType]server.Key{}}
	if s.Clock == nil {
		s.Clock = NewClock()
	}
	if s.Database == "" {
		s.Database = Memory
	}
	on := true
	config := server.Config{
		Address: "127.0.0.1:0", Database: s.Database, Clock: clock.Clock(s.Clock),
		Development: &on, DevelopmentNetworks: &on, // whatever the public URL
		AppPatience: -1, // nothing moves the clock for an invocation that waits
		Log:         slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		APIKeys: map[protocol.EnvironmentType]string{
			protocol.Production: "tr_prod_servertestservertest", protocol.Staging: "tr_stg_servertestservertest",
			protocol.Development: "tr_dev_servertestservertest", protocol.Preview: "tr_prev_servertestservertest",
		},
		OnKeys: func(keys []server.Key) {
			for _, key := range keys {
				s.keys[key.Environment] = key
			}
		},
	}
	// A server on a database that another made does not get the keys.
	for kind, secret := range config.APIKeys {
		s.keys[kind] = server.Key{Environment: kind, Secret: secret}
	}
	if options.Adjust != nil {
		options.Adjust(&config)
	}
	if config.Database == Memory && config.OpenedDatabase == nil {
		config.OpenedDatabase = inMemory(t)
	}
	opened, err := server.Open(t.Context(), config)
	if err != nil {
		t.Fatalf("open the server: %v", err)
	}
	for kind, key := range config.APIKeys {
		if s.keys[kind].Secret == "" { // a database that had them before prints none
			s.keys[kind] = server.Key{Environment: kind, Secret: key}
		}
	}
	s.URL, s.Address, s.link = opened.URL(), opened.Address().String(), opened.SignInLink
	s.run(opened)
	return s
}

// run serves until the test ends or Stop is called.
func (s *Server) run(opened *server.Server) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := opened.Run(ctx); err != nil {
			s.t.Errorf("run the server: %v", err)
		}
		if err := opened.Close(); err != nil {
			s.t.Errorf("close the server: %v", err)
		}
	}()
	s.stop = func() {
		cancel()
		<-done
	}
	s.t.Cleanup(s.Stop)
}

// Stop stops the server and waits until it has. It is harmless to stop it twice.
func (s *Server) Stop() { s.stop() }

// SignInLink returns a fresh link to the dashboard of a server that [Start] has started.
func (s *Server) SignInLink() string { return s.link() }

// Attach returns a server that runs elsewhere, on the machine's clock, with the
// secret key of its DEVELOPMENT environment.
func Attach(t testing.TB, url, key string) *Server {
	return &Server{t: t, URL: url, stop: func() {}, keys: map[protocol.EnvironmentType]server.Key{
		protocol.Development: {Environment: protocol.Development, Secret: key},
	}}
}

// now is the server's time.
func (s *Server) now() time.Time {
	if s.Clock == nil {
		return time.Now()
	}
	return s.Clock.Now()
}

// For returns the same server for a subtest, which fails in place of the test
// that started it.
func (s *Server) For(t testing.TB) *Server {
	view := *s
	view.t = t
	return &view
}

// Key returns the keys of an environment.
func (s *Server) Key(of protocol.EnvironmentType) server.Key { return s.keys[of] }

// Development returns a client with the secret key of DEVELOPMENT.
func (s *Server) Development() *Client { return s.As(s.keys[protocol.Development].Secret) }

// As returns a client with a key; empty for none.
func (s *Server) As(key string) *Client { return &Client{t: s.t, base: s.URL, key: key, wait: s.Wait} }

// Wait asks until the answer is yes. what completes "still waiting for ...".
func (s *Server) Wait(what string, done func() bool) {
	s.t.Helper()
	asked := 0
	WaitFor(s.t, what, func() bool {
		// Seldom needed, and each costs the server's loops a look.
		if asked++; asked%10 == 0 && s.Clock != nil {
			s.Clock.Poke()
		}
		return done()
	})
}

// JustBefore moves the clock to a millisecond before a time, and returns once a loop
// of the server has looked at that moment and waits for the rest. What begins too
// early has begun by then, so a test that looks next would see it.
func (s *Server) JustBefore(at time.Time) {
	s.t.Helper()
	s.Clock.AdvanceTo(at.Add(-time.Millisecond))
	s.Wait("a loop to wait for the last millisecond", func() bool { return s.Clock.Timers(time.Millisecond) > 0 })
}

// WaitFor asks until the answer is yes, and fails the test when it never is.
func WaitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(3 * time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("still waiting for %s", what)
		}
	}
}

// KeepAll has nothing that a test looks at be deleted for its age.
func KeepAll(c *server.Config) { c.KeepPayloads, c.KeepRuns = "forever", "forever" }
