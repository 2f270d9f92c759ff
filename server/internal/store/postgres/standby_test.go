package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func create(db *DB, t *testing.T) error {
	return db.Update(t.Context(), func(c database.Conn) error {
		_, err := c.Exec("CREATE TABLE items (id TEXT PRIMARY KEY)")
		return err
	})
}

func TestOfSeveralServersTheOneThatTakesWritesIsUsed(t *testing.T) {
	t.Parallel()
	primary := testpostgres.Start(t)
	standby := primary.Standby(t)
	// A user who names several servers need not know which is the primary.
	either, _, _ := strings.Cut(testpostgres.EitherURL(standby, primary), "&target_session_attrs")
	db, err := Open(t.Context(), either, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := create(db, t); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), standby.URL(), Options{}); !errors.Is(err, database.ErrUnavailable) {
		t.Errorf("opening a standby gave %v, want ErrUnavailable", err)
	}

	looking, err := Open(t.Context(), standby.URL()+"&target_session_attrs=any", Options{})
	if err != nil {
		t.Fatalf("opening a standby to look at it: %v", err)
	}
	defer looking.Close()

	// A pooler may move a connection to a standby when that was already checked.
	pool, err := pgxpool.New(t.Context(), standby.URL())
	if err != nil {
		t.Fatal(err)
	}
	moved := &DB{pool: pool}
	defer moved.Close()
	if err := create(moved, t); !errors.Is(err, database.ErrUnavailable) || !replaced(err) {
		t.Errorf("writing to a standby gave %v, want ErrUnavailable and the connections closed", err)
	}
}
