package postgres_test

import (
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestTextIsStoredWithoutZeroCharacters(t *testing.T) {
	db := open(t, testpostgres.URL(t), postgres.Options{})
	execute(t, db, createItems)
	execute(t, db, insertItem, "a\x00b\x00", 7)
	for _, id := range []string{"a\x00b\x00", "a\uFFFDb\uFFFD"} {
		var number int64
		err := db.View(t.Context(), func(c database.Conn) error {
			_, err := database.First(c, selectItem, []any{id}, &number)
			return err
		})
		if err != nil || number != 7 {
			t.Errorf("the number of %q is %d (%v), want 7", id, number, err)
		}
	}
}
