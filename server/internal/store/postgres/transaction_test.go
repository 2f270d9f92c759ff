package postgres_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

const (
	createItems = "CREATE TABLE items (id TEXT PRIMARY KEY, number BIGINT NOT NULL)"
	insertItem  = "INSERT INTO items (id, number) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET number = excluded.number"
	selectItem  = "SELECT number FROM items WHERE id = $1"
)

func first(c database.Conn) error {
	_, err := database.First(c, selectItem, []any{"a"}, new(int64))
	return err
}

func TestRoundTripsAreFew(t *testing.T) {
	accept := func(int64) error { return nil }
	queue := func(c database.Conn) error { return c.Queue(insertItem, []any{"a", 1}, nil) }
	tests := []struct {
		name  string
		view  bool
		run   func(c database.Conn) error
		trips int64
	}{
		{"nothing", false, func(database.Conn) error { return nil }, 0},
		{"one queued statement", false, queue, 1},
		{"three queued statements and a message", false, func(c database.Conn) error {
			return errors.Join(queue(c), queue(c), queue(c), c.Notify("hello"))
		}, 1},
		{"a queued statement with a check", false, func(c database.Conn) error {
			return c.Queue(insertItem, []any{"a", 1}, accept)
		}, 2},
		{"a statement", false, func(c database.Conn) error {
			_, err := c.Exec(insertItem, "a", 1)
			return err
		}, 2},
		{"a query with queued statements before and after", false, func(c database.Conn) error {
			return errors.Join(queue(c), first(c), queue(c), queue(c))
		}, 2},
		{"a view of one query", true, first, 2},
		{"a view of nothing", true, func(database.Conn) error { return nil }, 0},
	}
	proxy := newProxy(t, testpostgres.URL(t))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db := open(t, proxy.url, postgres.Options{Connections: 1})
			execute(t, db, "CREATE TABLE IF NOT EXISTS"+strings.TrimPrefix(createItems, "CREATE TABLE"))
			run := func() {
				t.Helper()
				do := db.Update
				if test.view {
					do = db.View
				}
				if err := do(t.Context(), test.run); err != nil {
					t.Fatal(err)
				}
				// With one connection, what follows waits for a View's end.
				if err := db.View(t.Context(), func(database.Conn) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
			run() // prepares the statements
			before := proxy.trips.Load()
			run()
			if got := proxy.trips.Load() - before; got != test.trips {
				t.Errorf("%d round trips, want %d", got, test.trips)
			}
		})
	}
}

func TestATransactionThatTheServerAbortsIsRunAgain(t *testing.T) {
	db := open(t, testpostgres.URL(t), postgres.Options{})
	execute(t, db, createItems)
	execute(t, db, insertItem, "a", 0)
	execute(t, db, insertItem, "b", 0)
	var runs, called atomic.Int64
	var locked [2]chan struct{}
	for i := range locked {
		locked[i] = make(chan struct{})
	}
	// Two transactions lock two rows in opposite order: a deadlock, of which the
	// server undoes one.
	results := make(chan error, 2)
	for i, ids := range [][]string{{"a", "b"}, {"b", "a"}} {
		go func() {
			began := false
			results <- db.Update(t.Context(), func(c database.Conn) error {
				runs.Add(1)
				c.AfterCommit(func() { called.Add(1) })
				if _, err := c.Exec("UPDATE items SET number = number + 1 WHERE id = $1", ids[0]); err != nil {
					return err
				}
				if !began {
					began = true
					close(locked[i])
					<-locked[1-i]
				}
				_, err := c.Exec("UPDATE items SET number = number + 1 WHERE id = $1", ids[1])
				return err
			})
		}()
	}
	for range 2 {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	if runs.Load() < 3 || called.Load() != 2 {
		t.Errorf("%d runs and %d calls after commit, want at least 3 and 2", runs.Load(), called.Load())
	}
	var total int64
	err := db.View(t.Context(), func(c database.Conn) error {
		_, err := database.First(c, "SELECT CAST(SUM(number) AS BIGINT) FROM items", nil, &total)
		return err
	})
	if err != nil || total != 4 {
		t.Errorf("the sum is %d (%v), want 4", total, err)
	}
}

func TestATransactionThatIsAbortedAgainAndAgainEndsWithItsError(t *testing.T) {
	db := open(t, testpostgres.URL(t), postgres.Options{})
	runs := 0
	err := db.Update(t.Context(), func(c database.Conn) error {
		runs++
		_, err := c.Exec("DO $$ BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '40001'; END $$")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "no luck") || runs < 2 {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

func TestALostConnectionIsUnavailableAndTheNextTransactionWorks(t *testing.T) {
	proxy := newProxy(t, testpostgres.URL(t))
	db := open(t, proxy.url, postgres.Options{})
	execute(t, db, createItems)
	err := db.Update(t.Context(), func(c database.Conn) error {
		if _, err := c.Exec(insertItem, "a", 1); err != nil {
			return err
		}
		proxy.cut()
		_, err := c.Exec(insertItem, "b", 1)
		return err
	})
	if !errors.Is(err, database.ErrUnavailable) || !errors.Is(err, database.ErrUndone) {
		t.Errorf("in a statement: got %v, want ErrUnavailable and ErrUndone", err)
	}
	err = db.Update(t.Context(), func(c database.Conn) error {
		if _, err := c.Exec(insertItem, "a", 1); err != nil {
			return err
		}
		proxy.cut()
		return nil
	})
	if !errors.Is(err, database.ErrUnavailable) || errors.Is(err, database.ErrUndone) {
		t.Errorf("in the commit: got %v, want ErrUnavailable and not ErrUndone", err)
	}
	execute(t, db, insertItem, "a", 1)
}

func TestAServerThatEndsTheSessionIsUnavailable(t *testing.T) {
	db := open(t, testpostgres.URL(t), postgres.Options{})
	err := db.Update(t.Context(), func(c database.Conn) error {
		_, err := c.Exec("SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAReadOnlyServerIsUnavailable(t *testing.T) {
	url := testpostgres.URL(t)
	execute(t, open(t, url, postgres.Options{}), createItems)
	db := open(t, url, postgres.Options{})
	err := db.Update(t.Context(), func(c database.Conn) error {
		if _, err := c.Exec("SET TRANSACTION READ ONLY"); err != nil {
			return err
		}
		_, err := c.Exec(insertItem, "a", 1)
		return err
	})
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestOpeningAServerThatDoesNotAnswerIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, err = postgres.Open(t.Context(), "postgres://user:secret@"+address+"/runhook?sslmode=disable", postgres.Options{})
	if !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "127.0.0.1")) {
		t.Errorf("the error shows the password, or not the server: %v", err)
	}
	_, err = postgres.Open(t.Context(), "postgres://user:secret@%zz/", postgres.Options{})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a malformed URL gave %v", err)
	}
}

func TestOpeningADatabaseThatDoesNotExistIsNotUnavailable(t *testing.T) {
	url := newProxy(t, testpostgres.URL(t)).url
	missing := strings.Replace(url, "/test_", "/missing_", 1)
	_, err := postgres.Open(t.Context(), missing, postgres.Options{})
	if err == nil || errors.Is(err, database.ErrUnavailable) || !strings.Contains(err.Error(), "missing_") {
		t.Errorf("got %v, want an error that names the database and is not ErrUnavailable", err)
	}
}

func TestAContextThatEndsDuringATransactionUndoesIt(t *testing.T) {
	db := open(t, testpostgres.URL(t), postgres.Options{})
	execute(t, db, createItems)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(ctx, func(c database.Conn) error {
		if _, err := c.Exec(insertItem, "a", 1); err != nil {
			return err
		}
		cancel()
		_, err := c.Exec(insertItem, "b", 1)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	var n int64
	if err := db.View(t.Context(), func(c database.Conn) error {
		_, err := database.First(c, "SELECT COUNT(*) FROM items", nil, &n)
		return err
	}); err != nil || n != 0 {
		t.Errorf("there are %d rows (%v), want 0", n, err)
	}
}
