package harness

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// ChangeRows makes rows as no server of today would, such as those of a version
// before, in the database of a server that was stopped. Statements have no
// placeholders. It fails the test if one changes nothing.
func ChangeRows(t testing.TB, address string, statements ...string) {
	t.Helper()
	var db database.DB
	var err error
	if strings.HasPrefix(address, "postgres") {
		db, err = postgres.Open(t.Context(), address, postgres.Options{})
	} else {
		db, err = sqlite.Open(t.Context(), strings.TrimPrefix(address, "sqlite:"), sqlite.Options{})
	}
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
		result, err := handle.ExecContext(t.Context(), statement)
		if err != nil {
			t.Fatalf("%.200s: %v", statement, err)
		}
		if changed, err := result.RowsAffected(); err != nil || changed == 0 {
			t.Fatalf("%.200s changed %d rows: %v", statement, changed, err)
		}
	}
}
