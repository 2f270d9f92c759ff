package main

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// untilGone is a step's answer when its server has died and takes no answer.
func untilGone(x *harness.Execution) harness.Reply {
	<-x.Done
	return harness.Reply{Drop: true}
}

// halfDone finishes a task and is then cut off in the middle of the next, in which it
// is once the channel is closed.
func halfDone() (step harness.Step, inSecond <-chan struct{}) {
	reached := make(chan struct{})
	return func(x *harness.Execution) harness.Reply {
		x.Complete(x.Task("first"), `"kept"`)
		x.Task("second")
		close(reached)
		return untilGone(x)
	}, reached
}

// theRest checks that the finished task is known as such, and finishes.
func theRest(t *testing.T) harness.Step {
	return func(x *harness.Execution) harness.Reply {
		if len(x.Body.Tasks) != 1 || x.Body.Tasks[0].IdempotencyKey != "first" || string(x.Body.Tasks[0].Output) != `"kept"` {
			t.Errorf("the app received %+v", x.Body.Tasks)
		}
		second := x.Task("second")
		if second.Status != protocol.TaskRunning {
			t.Errorf("the task that was cut off is %s", second.Status)
		}
		x.Complete(second, `2`)
		return harness.Success(`"done"`)
	}
}

func TestAServerThatIsKilledInAnExecutionResumesWhenItIsStartedAgain(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, database string) {
		process, s := serving(t, database)
		app := harness.NewApp(t, s)
		done := harness.NewReceiver(t, s)
		half, inSecond := halfDone()
		id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, half, theRest(t))
		<-inSecond
		app.Lose()
		process.Kill()

		_, again := serving(t, database)
		app.Move(again)
		run := again.Development().WaitRun(id, protocol.RunSuccess)
		if string(run.Output) != `"done"` || len(run.Tasks) != 2 || len(app.Executions(id)) != 2 {
			t.Errorf("the run is %+v after %d executions", run, len(app.Executions(id)))
		}
		checkOneNotification(t, again, done, id)
	})
}

// checkOneNotification waits until a run's notification is recorded as
// delivered, and checks that no other was sent.
func checkOneNotification(t *testing.T, s *harness.Server, done *harness.Receiver, run string) {
	t.Helper()
	first := done.WaitFor(1)
	s.Wait("the notification to be recorded as delivered", func() bool {
		return s.Development().WaitAttempt(run, 1).Status == model.NotificationDelivered
	})
	for _, got := range done.Delivered() {
		if got.ID != first.ID || string(got.Body) != string(first.Body) || got.Notification.ID != run {
			t.Errorf("notification %s came as %s, and %s as %s", first.ID, first.Body, got.ID, got.Body)
		}
	}
}

func TestAServerThatIsKilledInADeliveryDeliversAgainWhenItIsStartedAgain(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, database string) {
		process, s := serving(t, database)
		app := harness.NewApp(t, s)
		done := harness.NewReceiver(t, s, harness.Reply{Hang: true})
		id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, harness.Always(harness.Success("1")))
		done.WaitFor(1)
		process.Kill()

		_, again := serving(t, database)
		done.WaitFor(2)
		checkOneNotification(t, again, done, id)
		if n := len(app.Executions(id)); n != 1 {
			t.Errorf("the run was executed %d times", n)
		}
	})
}

func TestTheWorkOfAServerThatIsKilledIsTakenOverByAnother(t *testing.T) {
	t.Parallel()
	database := testpostgres.URL(t)
	first, s := serving(t, database)
	app := harness.NewApp(t, s)
	done := harness.NewReceiver(t, s)
	_, other := serving(t, database)
	half, inSecond := halfDone()
	id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, half, theRest(t))
	<-inSecond
	app.Move(other)
	first.Kill()
	other.Development().WaitRun(id, protocol.RunSuccess)
	if n := len(app.Executions(id)); n != 2 {
		t.Errorf("the run was executed %d times", n)
	}
	checkOneNotification(t, other, done, id)
}

func TestAServerThatIsStoppedAsksItsExecutionsToComeBack(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, database string) {
		process, s := serving(t, database)
		app := harness.NewApp(t, s)
		id := app.Run(nil, func(x *harness.Execution) harness.Reply {
			x.Complete(x.Task("first"), `"kept"`)
			process.Terminate()
			task := x.Task("second")
			harness.WaitFor(t, "the server to ask for the execution back", func() bool {
				task = x.Task("second")
				return task.ForceYield
			})
			return harness.AutoYield()
		}, theRest(t))
		if status := process.ExitStatus(); status != 0 {
			t.Errorf("it exits with %d: %s", status, process.Err)
		}
		app.Lose()
		_, again := serving(t, database)
		app.Move(again)
		again.Development().WaitRun(id, protocol.RunSuccess)
		if n := len(app.Executions(id)); n != 2 {
			t.Errorf("the run was executed %d times", n)
		}
	})
}

func TestAServerThatIsStoppedHandsBackWhatDoesNotComeBackInTime(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, database string) {
		process, s := serving(t, database, "--grace", "100ms")
		app := harness.NewApp(t, s)
		done := harness.NewReceiver(t, s)
		half, inSecond := halfDone()
		id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, half, theRest(t))
		<-inSecond
		process.Terminate()
		if status := process.ExitStatus(); status != 0 {
			t.Errorf("it exits with %d: %s", status, process.Err)
		}
		app.Lose()
		_, again := serving(t, database)
		app.Move(again)
		again.Development().WaitRun(id, protocol.RunSuccess)
		if got := done.WaitFor(1).Notification; got.ExecutionCount != 1 {
			t.Errorf("%d executions are counted, and the interrupted one must not be", got.ExecutionCount)
		}
		checkOneNotification(t, again, done, id)
	})
}

func TestASecondServerOnOneSQLiteFileIsRefused(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + t.TempDir() + "/runhook.db"
	serving(t, database)
	_, problems, status := invoked(t, "serve", "--addr", "127.0.0.1:0", "--db", database)
	if status != failed || !strings.Contains(problems, "another process has the database open") || !strings.Contains(problems, "runhook.db") {
		t.Errorf("it exits with %d: %s", status, problems)
	}
	if shown, problems, status := invoked(t, "keys", "--db", database); status != succeeded || !strings.Contains(shown, developmentKey) {
		t.Errorf("keys exits with %d: %s%s", status, shown, problems)
	}
}
