package server_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/servertest"
	"github.com/runhook/runhook/server/internal/store/sqlite"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestKeysFromBeforeThereWereLimitsAreMovedToPostgreSQL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runhook.db")
	options := servertest.Options{Database: "sqlite:" + path, Clock: servertest.NewClock()}
	s := servertest.Start(t, options)
	app := servertest.NewApp(t, s)
	s.Development().OK("PUT", "/api/v1/store/key", "value", nil)
	id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{AccountID: "account"}}, func(x *servertest.Execution) servertest.Reply {
		x.API.OK("PUT", "/api/v1/runs/"+x.Body.Run.ID+"/statuses/status", "{}", nil)
		x.Complete(x.Task("task"), "1")
		return servertest.Success("2")
	})
	s.Development().WaitRun(id, protocol.RunSuccess)
	s.Stop()

	text := make([]byte, 4000)
	for i := range text {
		text[i] = byte('!' + rand.IntN('~'-'!'))
	}
	long := string(text)
	lengthen(t, path, long, "events.event_id", "accounts.identifier", "tasks.idempotency_key", "run_statuses.key", "endpoints.slug", "key_values.name")

	target := testpostgres.URL(t)
	moved, err := server.Move(t.Context(), server.Config{Database: target}, "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	shortened := map[string]int{}
	for _, m := range moved {
		if m.Shortened > 0 {
			shortened[m.Table] = m.Shortened
		}
	}
	for _, table := range []string{"events", "accounts", "tasks", "run_statuses", "endpoints", "key_values"} {
		if shortened[table] != 1 {
			t.Errorf("%d texts of %s were shortened", shortened[table], table)
		}
	}
	again := servertest.Start(t, servertest.Options{Database: target, Clock: options.Clock})
	var run struct {
		Output   int
		Event    struct{ ID string }
		Account  struct{ ID string }
		Statuses []protocol.RunStatusRecord
	}
	again.Development().OK("GET", "/api/runhook/v1/runs/"+id, nil, &run)
	for _, key := range []string{run.Event.ID, run.Account.ID, run.Statuses[0].Key} {
		if !strings.HasPrefix(key, long[:2000]) || len(key) > 2400 {
			t.Errorf("a key of %d bytes is now %q", len(long), key)
		}
	}
	if run.Output != 2 {
		t.Errorf("the output is %d", run.Output)
	}
	app.Move(again).Register(again.Development(), "app")
	if next := app.For(again).End(nil, servertest.Always(servertest.Success("3"))); string(next.Output) != "3" {
		t.Errorf("a run after the move ends with %s", next.Output)
	}
}

// lengthen gives a text to columns of a database that no server has open, as one
// from before there were limits has them.
func lengthen(t *testing.T, path, text string, columns ...string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	handle, err := db.OpenSQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	for _, column := range columns {
		table, name, _ := strings.Cut(column, ".")
		if _, err := handle.ExecContext(t.Context(), "UPDATE "+table+" SET "+name+" = ?", text); err != nil {
			t.Fatal(err)
		}
	}
}
