package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestADatabaseOfAnotherEncodingIsRefused(t *testing.T) {
	for _, encoding := range []string{"EUC_JP", "LATIN1", "SQL_ASCII"} {
		url := testpostgres.URLWith(t, "ENCODING '"+encoding+"' LOCALE 'C' LOCALE_PROVIDER libc")
		db, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err == nil {
			db.Close()
			t.Errorf("a database in %s was opened", encoding)
			continue
		}
		for _, part := range []string{encoding, "CREATE DATABASE name ENCODING 'UTF8'"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %s: %v", part, err)
			}
		}
	}
}

func TestAnotherClientEncodingInTheURLChangesNothing(t *testing.T) {
	db := open(t, with(testpostgres.URL(t), "client_encoding=LATIN1"), postgres.Options{})
	execute(t, db, createItems)
	execute(t, db, insertItem, "grün 漢字", 7)
	var number int64
	err := db.View(t.Context(), func(c database.Conn) error {
		_, err := database.First(c, selectItem, []any{"grün 漢字"}, &number)
		return err
	})
	if err != nil || number != 7 {
		t.Errorf("the number is %d (%v), want 7", number, err)
	}
}

func TestAValueThatPostgreSQLRefusesIsDistinguished(t *testing.T) {
	db := open(t, testpostgres.URL(t), postgres.Options{})
	execute(t, db, createItems)
	for _, query := range []string{
		`SELECT convert_from('\xfc', 'UTF8')`,
		`SELECT '"\u0000"'::jsonb->>0`,
		`SELECT 9223372036854775807 + 1`,
		`INSERT INTO items (id, number) SELECT string_agg(md5(n::text), ''), 1 FROM generate_series(1, 2000) n`,
	} {
		err := db.Update(t.Context(), func(c database.Conn) error {
			_, err := c.Exec(query)
			return err
		})
		if !errors.Is(err, database.ErrData) || errors.Is(err, database.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", query, err, database.ErrData)
		}
	}
}
