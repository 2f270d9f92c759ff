package migrations_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// onEachEngine runs a test on an empty database of each engine. open may be
// called again for another handle where the engine allows it.
func onEachEngine(t *testing.T, test func(t *testing.T, open func() database.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "runhook.db")
		test(t, func() database.DB {
			db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			return opened(t, db, err)
		})
	})
	t.Run("postgres", func(t *testing.T) {
		url := testpostgres.URL(t)
		test(t, func() database.DB {
			db, err := postgres.Open(t.Context(), url, postgres.Options{Connections: 1})
			return opened(t, db, err)
		})
	})
}

func opened(t *testing.T, db database.DB, err error) database.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func file(lines ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(strings.Join(lines, "\n"))}
}

var (
	first  = fstest.MapFS{"00001_items.sql": file("CREATE TABLE items (id TEXT PRIMARY KEY);")}
	second = fstest.MapFS{
		"00001_items.sql": first["00001_items.sql"],
		"00002_state.sql": file("ALTER TABLE items ADD COLUMN state BIGINT;", "CREATE INDEX items_state ON items (state);"),
	}
	broken = fstest.MapFS{
		"00001_items.sql": first["00001_items.sql"],
		"00002_wrong.sql": file("CREATE TABLE others (id TEXT PRIMARY KEY);", "CREATE TABLE items (id TEXT);"),
	}
)

func insert(db database.DB, query string) error {
	return db.Update(context.Background(), func(c database.Conn) error {
		_, err := c.Exec(query)
		return err
	})
}

func TestMigrationsAreAppliedOnceAndInOrder(t *testing.T) {
	onEachEngine(t, func(t *testing.T, open func() database.DB) {
		db := open()
		for _, files := range []fstest.MapFS{first, first, second, second} {
			if err := migrations.RunFiles(t.Context(), db, files); err != nil {
				t.Fatal(err)
			}
		}
		if err := insert(db, "INSERT INTO items (id, state) VALUES ('a', 1)"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTextComparesByItsBytes(t *testing.T) {
	onEachEngine(t, func(t *testing.T, open func() database.DB) {
		db := open()
		if err := migrations.RunFiles(t.Context(), db, first); err != nil {
			t.Fatal(err)
		}
		if err := insert(db, "INSERT INTO items (id) VALUES ('a'), ('B'), ('_'), ('b')"); err != nil {
			t.Fatal(err)
		}
		var sorted []string
		err := db.View(t.Context(), func(c database.Conn) error {
			rows, err := c.Query("SELECT id FROM items WHERE id > $1 ORDER BY id", "A")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id string
				if err := rows.Scan(&id); err != nil {
					return err
				}
				sorted = append(sorted, id)
			}
			return rows.Err()
		})
		if got := strings.Join(sorted, " "); err != nil || got != "B _ a b" {
			t.Errorf("got %s (%v), want B _ a b", got, err)
		}
	})
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, open func() database.DB) {
		db := open()
		if err := migrations.RunFiles(t.Context(), db, second); err != nil {
			t.Fatal(err)
		}
		err := migrations.RunFiles(t.Context(), db, first)
		if err == nil || !strings.Contains(err.Error(), "newer Runhook") {
			t.Fatalf("got %v, want an error that speaks of a newer Runhook", err)
		}
	})
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, open func() database.DB) {
		db := open()
		err := migrations.RunFiles(t.Context(), db, broken)
		if err == nil || !strings.Contains(err.Error(), "00002_wrong.sql") {
			t.Fatalf("got %v, want an error that names the file", err)
		}
		if err := insert(db, "INSERT INTO others (id) VALUES ('a')"); err == nil {
			t.Fatal("the table of the failed migration is there")
		}
		if err := migrations.RunFiles(t.Context(), db, second); err != nil {
			t.Fatal(err)
		}
	})
}

func TestMigrationsAreExecutedWhole(t *testing.T) {
	files := migrations.Files()
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d migrations: %v", len(names), err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		// A part for going down would be executed, too.
		if strings.Contains(string(text), "+goose") {
			t.Errorf("%s has an annotation for goose, which does not read it", name)
		}
	}
}

func TestAClosedDatabaseIsNotMigrated(t *testing.T) {
	onEachEngine(t, func(t *testing.T, open func() database.DB) {
		db := open()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := migrations.RunFiles(t.Context(), db, first); !errors.Is(err, database.ErrClosed) {
			t.Fatalf("got %v, want ErrClosed", err)
		}
	})
}

func TestProcessesThatStartAtOnceMigrateOnce(t *testing.T) {
	url := testpostgres.URL(t)
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			db, err := postgres.Open(t.Context(), url, postgres.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := migrations.RunFiles(t.Context(), db, second); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestTheMigrationsOfThisProgramRunOnBothEngines(t *testing.T) {
	onEachEngine(t, func(t *testing.T, open func() database.DB) {
		db := open()
		for range 2 {
			if err := migrations.Run(t.Context(), db); err != nil {
				t.Fatal(err)
			}
		}
	})
}
