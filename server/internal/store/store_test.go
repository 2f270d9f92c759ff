package store_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/storetest"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// engines are the databases that a store runs on, by how to make an empty one.
var engines = []struct {
	name string
	url  func(t testing.TB) string
}{
	{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "runhook.db") }},
	{"postgres", func(t testing.TB) string { return testpostgres.URL(t) }},
}

// open opens a store, which is closed when the test ends.
func open(t testing.TB, options store.Options) *store.Store {
	t.Helper()
	if options.Clock == nil {
		options.Clock = storetest.NewClock()
	}
	options.SharedClock = options.Clock
	options.Log = slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestStoreOnSQLite(t *testing.T) {
	t.Parallel()
	testRecorded(t, copies(t))
}

// copies returns a function that copies a database with tables and no rows: to make
// the tables takes longer than most tests.
func copies(t *testing.T) func(testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(folder, "runhook.db"), Clock: storetest.NewClock()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return func(t testing.TB) string {
		own := t.TempDir()
		for _, name := range []string{"runhook.db", "runhook.db.key"} {
			content, err := os.ReadFile(filepath.Join(folder, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(own, name), content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return "sqlite:" + filepath.Join(own, "runhook.db")
	}
}

// TestStoreInMemory is short, as such a database is a file like any other, but
// for where it is and how it is written.
func TestStoreInMemory(t *testing.T) {
	t.Parallel()
	const url = "sqlite::memory:"
	first, second := open(t, store.Options{URL: url}), open(t, store.Options{URL: url})
	createEnvironments(t, first)
	for s, want := range map[*store.Store]int{first: 2, second: 0} {
		if found, err := environments(t.Context(), s); err != nil || len(found) != want {
			t.Errorf("got %d environments and error %v, want %d", len(found), err, want)
		}
	}
	if claimed := storetest.ClaimAll(t, []*store.Store{first}, claimRuns); len(claimed) != 0 {
		t.Errorf("got %v, want no runs", claimed)
	}
}

func TestStoreOnPostgreSQL(t *testing.T) {
	t.Parallel()
	used := emptied{databases: t}
	testRecorded(t, used.url)
}

// emptied hands out databases that earlier tests have used and that were emptied
// since: to make one and its tables takes longer than most tests.
type emptied struct {
	databases testing.TB
	mu        sync.Mutex
	free      []string
}

func (e *emptied) url(t testing.TB) string {
	t.Helper()
	e.mu.Lock()
	var url string
	if last := len(e.free) - 1; last >= 0 {
		url, e.free = e.free[last], e.free[:last]
	}
	e.mu.Unlock()
	if url == "" {
		url = testpostgres.URL(e.databases)
	} else {
		empty(t, url)
	}
	t.Cleanup(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.free = append(e.free, url)
	})
	return url
}

// empty deletes all rows of a database but those that say what its tables are.
func empty(t testing.TB, url string) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(t.Context(), func(c database.Conn) error {
		tables, err := tablesOf(c)
		for _, table := range slices.Backward(tables) {
			if table != "schema_versions" && table != "settings" && err == nil {
				err = c.Queue("DELETE FROM "+table, nil, nil)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// tablesOf returns the tables of a database in the order they were made, so that
// each comes after those it refers to.
func tablesOf(c database.Conn) (tables []string, err error) {
	query := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid"
	if c.Dialect().Name == "postgres" {
		query = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid"
	}
	rows, err := c.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, rows.Err()
}
