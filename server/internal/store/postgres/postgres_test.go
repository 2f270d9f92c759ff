package postgres_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/databasetest"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func open(t testing.TB, url string, options postgres.Options) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t testing.TB, db database.DB, query string, args ...any) {
	t.Helper()
	err := db.Update(t.Context(), func(c database.Conn) error {
		_, err := c.Exec(query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// with adds a parameter to a database's URL.
func with(url, parameter string) string {
	if strings.Contains(url, "?") {
		return url + "&" + parameter
	}
	return url + "?" + parameter
}

func TestPostgreSQLKeepsTheContract(t *testing.T) {
	url := testpostgres.URL(t)
	owner := open(t, url, postgres.Options{})
	var number atomic.Int64
	databasetest.Run(t, func(t *testing.T) database.DB {
		// A schema is much quicker to make than a database.
		schema := fmt.Sprintf("test_%d", number.Add(1))
		execute(t, owner, "CREATE SCHEMA "+schema)
		return open(t, with(url, "search_path="+schema), postgres.Options{})
	})
}
