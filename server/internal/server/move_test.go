package server_test

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/sqlite"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestKeysFromBeforeThereWereLimitsAreMovedToPostgreSQL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runhook.db")
	options := harness.Options{Database: "sqlite:" + path, Clock: harness.NewClock()}
	s := harness.Start(t, options)
	app := harness.NewApp(t, s)
	s.Development().OK("PUT", "/api/v1/store/key", "value", nil)
	s.Development().OK("PUT", "/api/v1/store/other", "another value", nil)
	twin := app.Run(protocol.InvokeJob{}, harness.Always(harness.Success("3")))
	s.Development().WaitRun(twin, protocol.RunSuccess)
	id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{AccountID: "account"}}, func(x *harness.Execution) harness.Reply {
		x.API.OK("PUT", "/api/v1/runs/"+x.Body.Run.ID+"/statuses/status", "{}", nil)
		x.Complete(x.Task("task"), "1")
		return harness.Success("2")
	})
	s.Development().WaitRun(id, protocol.RunSuccess)
	s.Stop()

	text := make([]byte, 4000)
	for i := range text {
		text[i] = byte('!' + rand.IntN('~'-'!'))
	}
	long := string(text)
	lengthen(t, path, long, "accounts.identifier", "tasks.idempotency_key", "run_statuses.key", "endpoints.slug")
	// These differ only behind what an index takes.
	for run, end := range map[string]string{id: "1", twin: "2"} {
		execute(t, path, "UPDATE events SET event_id = ? WHERE id = (SELECT event_id FROM runs WHERE id = ?)", long+end, run)
	}
	for key, end := range map[string]string{"key": "1", "other": "2"} {
		execute(t, path, "UPDATE key_values SET name = ? WHERE name = ?", long+end, key)
	}

	target := testpostgres.URL(t)
	execute(t, path, "INSERT INTO settings (name, value) VALUES ('moving_to', ?)", "postgres://elsewhere")
	var interrupted *store.MovedError
	if _, err := server.Keys(t.Context(), server.Config{Database: "sqlite:" + path}); !errors.As(err, &interrupted) || interrupted.Complete || !strings.Contains(err.Error(), "Run migrate-db again") {
		t.Errorf("a database whose move was interrupted gives %v", err)
	}
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
	for table, want := range map[string]int{"events": 2, "accounts": 1, "tasks": 1, "run_statuses": 1, "endpoints": 1, "key_values": 2} {
		if shortened[table] != want {
			t.Errorf("%d texts of %s were shortened, want %d", shortened[table], table, want)
		}
	}
	again := harness.Start(t, harness.Options{Database: target, Clock: options.Clock})
	var run struct {
		Output   int
		Event    struct{ ID string }
		Account  struct{ ID string }
		Statuses []protocol.ProgressStatus
	}
	again.Development().OK("GET", "/api/runhook/v1/runs/"+id, nil, &run)
	for _, key := range []string{run.Event.ID, run.Account.ID, run.Statuses[0].Key} {
		if !strings.HasPrefix(key, long[:2000]) || len(key) > 2400 {
			t.Errorf("a key of %d bytes is now %q", len(long), key)
		}
	}
	var other struct{ Event struct{ ID string } }
	again.Development().OK("GET", "/api/runhook/v1/runs/"+twin, nil, &other)
	for run, event := range map[string]string{id: run.Event.ID, twin: other.Event.ID} {
		var of protocol.EventDetails
		again.Development().OK("GET", "/api/v2/events/"+url.PathEscape(event), nil, &of)
		if len(of.Runs) != 1 || of.Runs[0].ID != run {
			t.Errorf("the event of run %s has the runs %+v", run, of.Runs)
		}
	}
	for end, want := range map[string]string{"1": "value", "2": "another value"} {
		var value struct{ Value string }
		again.Development().OK("GET", "/api/v1/store/"+url.PathEscape(long+end), nil, &value)
		if value.Value != want {
			t.Errorf("the value of a key of %d bytes is %q, want %q", len(long)+1, value.Value, want)
		}
	}
	if run.Output != 2 {
		t.Errorf("the output is %d", run.Output)
	}
	app.Move(again).Register(again.Development(), "app")
	if next := app.For(again).End(nil, harness.Always(harness.Success("3"))); string(next.Output) != "3" {
		t.Errorf("a run after the move ends with %s", next.Output)
	}
}

// lengthen gives a text to columns of a database that no server has open, as one
// from before there were limits has them.
func lengthen(t *testing.T, path, text string, columns ...string) {
	t.Helper()
	for _, column := range columns {
		table, name, _ := strings.Cut(column, ".")
		execute(t, path, "UPDATE "+table+" SET "+name+" = ?", text)
	}
}

// execute runs a statement on a database that no server has open.
func execute(t *testing.T, path, statement string, arguments ...any) {
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
	if _, err := handle.ExecContext(t.Context(), statement, arguments...); err != nil {
		t.Fatal(err)
	}
}
