package harness

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// Contents returns a digest of every table of a PostgreSQL database but those in
// which a server keeps its own place, so that two can be compared.
func Contents(t testing.TB, database string) map[string]string {
	t.Helper()
	db, err := postgres.Open(t.Context(), database, postgres.Options{})
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	defer db.Close()
	handle, err := db.OpenSQL(t.Context())
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	defer handle.Close()
	rows, err := handle.QueryContext(t.Context(), `
		SELECT table_name, (xpath('/row/digest/text()', query_to_xml(format(
			'SELECT md5(coalesce(string_agg(r::text, '','' ORDER BY r::text), '''')) AS digest FROM %I r', table_name), false, true, '')))[1]::text
		FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'nodes'`)
	if err != nil {
		t.Fatalf("read the tables: %v", err)
	}
	defer rows.Close()
	digests := map[string]string{}
	for rows.Next() {
		var table, digest string
		if err := rows.Scan(&table, &digest); err != nil {
			t.Fatalf("read the tables: %v", err)
		}
		digests[table] = digest
	}
	if err := rows.Err(); err != nil || len(digests) < 10 {
		t.Fatalf("read %d tables: %v", len(digests), err)
	}
	return digests
}

// Refuse has a database refuse each row of a table that is inserted or changed so that
// condition, on NEW, holds: as it refuses text it cannot keep. It does so until the
// function that is returned is called. No server may have a SQLite file open when
// either is.
func Refuse(t testing.TB, database, table, condition string) (stop func()) {
	t.Helper()
	if path, found := strings.CutPrefix(database, "sqlite:"); found {
		return refuseInFile(t, path, table, condition)
	}
	db, err := postgres.Open(t.Context(), database, postgres.Options{})
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	defer db.Close()
	name := "refuse_" + strings.ToLower(rand.Text())
	run := func(db *postgres.DB, statements ...string) {
		t.Helper()
		handle, err := db.OpenSQL(t.Context())
		if err != nil {
			t.Fatalf("open the database: %v", err)
		}
		defer handle.Close()
		for _, statement := range statements {
			if _, err := handle.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	run(db, `CREATE FUNCTION `+name+`() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			RAISE EXCEPTION 'invalid byte sequence for encoding "UTF8": 0xfc' USING ERRCODE = '22021'; END $$`,
		`CREATE TRIGGER `+name+` BEFORE INSERT OR UPDATE ON `+table+` FOR EACH ROW WHEN (`+condition+`) EXECUTE FUNCTION `+name+`()`)
	return func() {
		t.Helper()
		db, err := postgres.Open(t.Context(), database, postgres.Options{})
		if err != nil {
			t.Fatalf("open the database: %v", err)
		}
		defer db.Close()
		run(db, `DROP TRIGGER `+name+` ON `+table)
	}
}

func refuseInFile(t testing.TB, path, table, condition string) (stop func()) {
	t.Helper()
	name := "refuse_" + strings.ToLower(rand.Text())
	run := func(statements ...string) {
		t.Helper()
		db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatalf("open the database: %v", err)
		}
		defer db.Close()
		handle, err := db.OpenSQL(t.Context())
		if err != nil {
			t.Fatalf("open the database: %v", err)
		}
		defer handle.Close()
		for _, statement := range statements {
			if _, err := handle.ExecContext(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	var create, drop []string
	for _, change := range []string{"INSERT", "UPDATE"} {
		create = append(create, `CREATE TRIGGER `+name+change+` BEFORE `+change+` ON `+table+` WHEN `+condition+` BEGIN SELECT RAISE(ABORT, 'invalid byte sequence'); END`)
		drop = append(drop, `DROP TRIGGER `+name+change)
	}
	run(create...)
	return func() { t.Helper(); run(drop...) }
}
