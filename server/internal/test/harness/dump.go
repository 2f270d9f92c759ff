package harness

import (
	"os"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store/postgres"
)

// Dump returns all that a database holds: every byte of the files of a SQLite
// database, which no server may have open, or every row of a PostgreSQL database.
func Dump(t testing.TB, database string) string {
	t.Helper()
	var dump strings.Builder
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		for _, suffix := range []string{"", "-wal"} {
			text, err := os.ReadFile(path + suffix)
			if err != nil && (suffix == "" || !os.IsNotExist(err)) {
				t.Fatal(err)
			}
			dump.Write(text)
		}
		return dump.String()
	}
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
		SELECT query_to_xml(format('SELECT to_json(r)::text AS r FROM %I r', table_name), false, true, '')::text
		FROM information_schema.tables WHERE table_schema = 'public'`)
	if err != nil {
		t.Fatalf("read the tables: %v", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatalf("read the tables: %v", err)
		}
		dump.WriteString(text)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("read the tables: %v", err)
	}
	return dump.String()
}
