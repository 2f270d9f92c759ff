package store_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// readOtherwise are the columns that no statement of the store reads: by people, who look
// at when a row was made and changed, by a foreign key, and by package migrations.
var readOtherwise = regexp.MustCompile(`\.(created_at|updated_at)$|^attachments\.node_id$|^(schema_versions|sqlite_\w+)\.`)

var (
	insertedColumns = regexp.MustCompile(`(?s)INSERT INTO \w+ \([^)]*\)`)
	setClause       = regexp.MustCompile(`(?s)\bSET\b.*?(\bWHERE\b|\bRETURNING\b|$)`)
	setColumn       = regexp.MustCompile(`\w+ = `)
	word            = regexp.MustCompile(`\w+`)
)

// testColumns fails for columns that the statements write and never read. It goes by
// their names alone, so one passes if a column of the same name in another table is read.
func testColumns(t *testing.T, url string, statements []statement) {
	read := map[string]bool{}
	for _, s := range statements {
		query := insertedColumns.ReplaceAllString(s.query, "")
		query = setClause.ReplaceAllStringFunc(query, func(clause string) string { return setColumn.ReplaceAllString(clause, "") })
		for _, name := range word.FindAllString(query, -1) {
			read[name] = true
		}
	}
	db := store.Database(open(t, store.Options{URL: url}))
	columns := `SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'`
	if db.Dialect().Name == "postgres" {
		columns = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()`
	}
	err := db.View(t.Context(), func(conn database.Conn) error {
		rows, err := conn.Query(columns)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var column string
			if err := rows.Scan(&column); err != nil {
				return err
			}
			if _, name, _ := strings.Cut(column, "."); !read[name] && !readOtherwise.MatchString(column) {
				t.Errorf("nothing reads the column %s", column)
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
