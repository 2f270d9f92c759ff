package servertest

import (
	"testing"

	"github.com/runhook/runhook/server/internal/store/postgres"
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
