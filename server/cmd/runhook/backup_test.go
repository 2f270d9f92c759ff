package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// napping finishes a task and then waits for a while: long enough that the test
// sees it wait, on however slow a machine.
func napping(x *harness.Execution) harness.Reply {
	x.Complete(x.Task("first"), `"kept"`)
	return harness.Resume(x.Task("nap", harness.Noop, harness.Delay(time.Now().Add(10*time.Second))))
}

// awake checks that the task that finished before the wait is known.
func awake(t *testing.T) harness.Step {
	return func(x *harness.Execution) harness.Reply {
		known := false
		for _, task := range x.Body.Tasks {
			known = known || task.IdempotencyKey == "first" && string(task.Output) == `"kept"`
		}
		if !known {
			t.Errorf("the app received %+v", x.Body.Tasks)
		}
		return harness.Success(`"awake"`)
	}
}

// asleep starts a run that waits, and waits until it does. From then on the app
// executes nothing for this server.
func asleep(t *testing.T, s *harness.Server, app *harness.App, done *harness.Receiver) string {
	t.Helper()
	id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, napping, awake(t))
	s.Development().WaitRun(id, protocol.RunWaitingToContinue)
	app.Lose() // should it wake before the server is killed
	return id
}

func sqliteIn(t *testing.T, name string) string {
	return "sqlite:" + filepath.Join(t.TempDir(), name)
}

func TestAWaitingRunResumesInARestoredCopy(t *testing.T) {
	t.Parallel()
	database := sqliteIn(t, "first.db")
	process, s := serving(t, database)
	app := harness.NewApp(t, s)
	done := harness.NewReceiver(t, s)
	id := asleep(t, s, app, done)
	file := filepath.Join(t.TempDir(), "backup.db")
	if out, problems, status := invoked(t, "backup", "--db", database, "--to", file); status != succeeded {
		t.Fatalf("backup exits with %d: %s%s", status, out, problems)
	}
	process.Kill()

	restored := sqliteIn(t, "restored.db")
	if out, problems, status := invoked(t, "restore", "--db", restored, "--from", file); status != succeeded {
		t.Fatalf("restore exits with %d: %s%s", status, out, problems)
	}
	_, again := serving(t, restored)
	app.Move(again)
	if run := again.Development().WaitRun(id, protocol.RunSuccess); string(run.Output) != `"awake"` {
		t.Errorf("the run is %+v", run)
	}
	checkOneNotification(t, again, done, id)
	for _, path := range []string{file, file + ".key", strings.TrimPrefix(restored, "sqlite:")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

func TestACopyNeverReplacesAFile(t *testing.T) {
	t.Parallel()
	first, second := sqliteIn(t, "first.db"), sqliteIn(t, "second.db")
	for _, database := range []string{first, second} {
		process, _ := serving(t, database)
		process.Terminate()
		process.ExitStatus()
	}
	for _, arguments := range [][]string{
		{"backup", "--db", first, "--to", strings.TrimPrefix(second, "sqlite:")},
		{"restore", "--db", second, "--from", strings.TrimPrefix(first, "sqlite:")},
		{"backup", "--db", "sqlite:" + filepath.Join(t.TempDir(), "none.db"), "--to", filepath.Join(t.TempDir(), "copy.db")},
		{"backup", "--db", "postgres://127.0.0.1/none", "--to", filepath.Join(t.TempDir(), "copy.db")},
	} {
		out, problems, status := invoked(t, arguments...)
		if status != failed || (!strings.Contains(problems, "second.db") && !strings.Contains(problems, "none.db") && !strings.Contains(problems, "pg_dump")) {
			t.Errorf("%v exits with %d: %s%s", arguments, status, out, problems)
		}
	}
}

func TestWhatWaitsInSQLiteResumesInPostgreSQL(t *testing.T) {
	t.Parallel()
	source, target := sqliteIn(t, "runhook.db"), testpostgres.URL(t)
	process, s := serving(t, source)
	app := harness.NewApp(t, s)
	done := harness.NewReceiver(t, s)
	pending := harness.NewReceiver(t, s, harness.HTTP(http.StatusServiceUnavailable, ""))
	got := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: pending.URL}}, harness.Always(harness.Success("1")))
	s.Development().WaitAttempt(got, 1)
	id := asleep(t, s, app, done)
	refused(t, "another process has the database open", "migrate-db", "--from", source, "--to", target)
	process.Kill() // so that there are leases left

	out, problems, status := invoked(t, "migrate-db", "--from", source, "--to", target)
	if status != succeeded || !strings.Contains(out, "runs                   2") {
		t.Fatalf("migrate-db exits with %d: %s%s", status, out, problems)
	}
	checkMoved(t, source, target)
	if out, problems, status := invoked(t, "doctor", "--db", target); status != succeeded {
		t.Errorf("the doctor exits with %d: %s%s", status, out, problems)
	}
	_, again := serving(t, target)
	app.Move(again)
	if run := again.Development().WaitRun(id, protocol.RunSuccess); string(run.Output) != `"awake"` {
		t.Errorf("the run is %+v", run)
	}
	checkOneNotification(t, again, done, id)
	if second := pending.WaitFor(2); second.ID != pending.Delivered()[0].ID || string(second.Body) != string(pending.Delivered()[0].Body) {
		t.Errorf("the pending notification came as %s, and before as %s", second.ID, pending.Delivered()[0].ID)
	}
}

// checkMoved checks that no command works on a database that was moved, and that there
// is a way back to it.
func checkMoved(t *testing.T, source, target string) {
	t.Helper()
	path := strings.TrimPrefix(source, "sqlite:")
	where := "was moved to " + server.ShownAddress(target)
	for _, arguments := range [][]string{
		{"serve", "--addr", "127.0.0.1:0", "--db", source},
		{"keys", "--db", source},
		{"doctor", "--db", source},
		{"backup", "--db", source, "--to", filepath.Join(t.TempDir(), "copy.db")},
		{"restore", "--from", path, "--db", sqliteIn(t, "back.db")},
		{"migrate-db", "--from", source, "--to", testpostgres.URL(t)},
	} {
		refused(t, where, arguments...)
		refused(t, "restore --moved --from "+path, arguments...)
	}
	other := "sqlite:" + aDatabase(t)
	refused(t, "is not empty", "migrate-db", "--from", other, "--to", target)
	back := sqliteIn(t, "back.db")
	if _, problems, status := invoked(t, "restore", "--moved", "--from", path, "--db", back); status != succeeded {
		t.Errorf("restore --moved exits with %d: %s", status, problems)
	}
	for _, database := range []string{other, back} {
		if _, problems, status := invoked(t, "keys", "--db", database); status != succeeded {
			t.Errorf("keys of %s exits with %d: %s", database, status, problems)
		}
	}
}

// refused checks that a command fails for a reason.
func refused(t *testing.T, reason string, arguments ...string) {
	t.Helper()
	if _, problems, status := invoked(t, arguments...); status != failed || !strings.Contains(problems, reason) {
		t.Errorf("%v exits with %d: %s", arguments, status, problems)
	}
}

func TestWhereToMoveIsChecked(t *testing.T) {
	t.Parallel()
	for flag, arguments := range map[string][]string{
		"--from": {"migrate-db", "--from", "postgres://127.0.0.1/a", "--to", "postgres://127.0.0.1/b"},
		"--to":   {"migrate-db", "--from", sqliteIn(t, "a.db"), "--to", sqliteIn(t, "b.db")},
	} {
		if _, problems, status := invoked(t, arguments...); status != wrongUsage || !strings.Contains(problems, flag) {
			t.Errorf("%v exits with %d: %s", arguments, status, problems)
		}
	}
}
