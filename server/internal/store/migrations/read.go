package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"
)

// read returns the files as migrations, in the form that adapt gives their text.
//
// Each is executed as one text. Both engines take several statements in one, and
// the parser of goose, which would cut them apart, takes 4 MiB for each file.
func read(files fs.FS, adapt func(text string) string) ([]*goose.Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []*goose.Migration
	for _, name := range names {
		number, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, goose.NewGoMigration(number, execute(name, adapt(string(text))), nil))
	}
	return all, nil
}

func execute(name, text string) *goose.GoFunc {
	return &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("execute %s: %w", name, err)
		}
		return nil
	}}
}

func asWritten(text string) string { return text }

var textType = regexp.MustCompile(`\bTEXT\b`)

// inByteOrder is a migration as PostgreSQL gets it: every column of text compares
// by its bytes, whatever the language of the database. So it is on SQLite, and so
// the order of ids, pages and cursors needs it.
func inByteOrder(text string) string {
	return textType.ReplaceAllLiteralString(text, `TEXT COLLATE "C"`)
}
