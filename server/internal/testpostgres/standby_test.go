package testpostgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestAStandbyThatIsPromotedHasWhatItsPrimaryAcknowledged(t *testing.T) {
	t.Parallel()
	const kept = "SELECT EXISTS (SELECT FROM notes WHERE text = $1)"
	primary := testpostgres.Start(t)
	execute(t, connect(t, primary.URL()), "CREATE TABLE notes (text text)")
	standby := primary.Standby(t)
	either := testpostgres.EitherURL(primary, standby)
	execute(t, connect(t, either), "INSERT INTO notes VALUES ('acknowledged')")
	if _, err := connect(t, standby.URL()).Exec(t.Context(), "DELETE FROM notes"); err == nil {
		t.Error("the standby took a write")
	}

	primary.Kill(t)
	if _, err := pgx.Connect(t.Context(), either); err == nil {
		t.Error("there is a server that takes writes")
	}
	standby.Promote(t)
	promoted := connect(t, either)
	if !query[bool](t, promoted, kept, "acknowledged") {
		t.Error("an acknowledged row is lost")
	}

	primary.RestartReadOnly(t)
	execute(t, connect(t, either), "INSERT INTO notes VALUES ('later')")
	if !query[bool](t, promoted, kept, "later") || query[bool](t, connect(t, primary.URL()), kept, "later") {
		t.Error("a row was written to the server that was replaced")
	}
}
