package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// madeHere are the texts in indexes that the server makes itself, all of them short: by
// how their columns are called.
var madeHere = []string{
	".id", "_id", ".lease_owner", ".status", ".kind", "_hash", ".table_name", "environments.shortcode", "environments.slug",
	"organizations.slug", "projects.slug", "settings.name", "turns.name",
}

// compared are columns in no index that are compared with ones that are.
var compared = []string{"job_versions.limit_key"}

func TestEveryTextInAnIndexHasALimit(t *testing.T) {
	t.Parallel()
	s := open(t, store.Options{URL: testpostgres.URL(t)})
	var columns []string
	err := store.Database(s).View(t.Context(), func(conn database.Conn) error {
		columns = nil
		rows, err := conn.Query(`
			SELECT DISTINCT t.relname || '.' || a.attname FROM pg_index i
			JOIN pg_class t ON t.oid = i.indrelid
			JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
			JOIN pg_type y ON y.oid = a.atttypid
			WHERE t.relnamespace = current_schema()::regnamespace AND y.typname = 'text'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var column string
			if err := rows.Scan(&column); err != nil {
				return err
			}
			columns = append(columns, column)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(columns)
	shortened := store.ShortenedTexts()
	for _, column := range columns {
		if shortened[column] == 0 && !slices.ContainsFunc(madeHere, func(end string) bool { return strings.HasSuffix(column, end) }) {
			t.Errorf("%s stands in an index and has no limit", column)
		}
	}
	for column := range shortened {
		if !slices.Contains(columns, column) && !slices.Contains(compared, column) {
			t.Errorf("%s has a limit and stands in no index", column)
		}
	}
}
