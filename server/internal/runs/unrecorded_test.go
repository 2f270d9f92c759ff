package runs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestWhatTheDatabaseRefusesOfAnExecution(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Database: harness.Postgres(t)})
	app := harness.NewApp(t, s)
	harness.Refuse(t, s.Database, "runs", "NEW.output LIKE '%refused%'")
	harness.Refuse(t, s.Database, "tasks", "NEW.output LIKE '%refused%'")
	t.Run("an output ends the run at once", func(t *testing.T) {
		view := s.For(t)
		got := app.For(view).End(nil, harness.Always(harness.Success(`"refused"`)))
		checkEnd(t, got, protocol.RunFailure, 1, 0)
		checkText(t, "the error", got.Error, `{"message":"The server could not record an execution: the database refuses a value in its answer"}`)
	})
	t.Run("what was fetched fails its task", func(t *testing.T) {
		view := s.For(t)
		asked := 0
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			fmt.Fprint(w, `"refused"`)
		}))
		defer site.Close()
		body := fmt.Sprintf(`{"idempotencyKey":"k","name":"fetch","operation":"fetch","params":{"url":%q}}`, site.URL)
		create := func(x *harness.Execution) (task protocol.Task) {
			x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks", body, &task, protocol.HeaderIdempotencyKey, "k")
			return task
		}
		// A claim passes over a row that another transaction has locked just then, and
		// comes back for it after a second.
		later := func(string) { view.Clock.Advance(time.Second) }
		got := app.For(view).End(later, func(x *harness.Execution) harness.Reply {
			return harness.JSON(fmt.Sprintf(`{"status":"RESUME_WITH_TASK","task":{"id":%q}}`, create(x).ID))
		}, func(x *harness.Execution) harness.Reply {
			if task := create(x); task.Status != protocol.TaskErrored || !strings.Contains(string(task.Output), "could not record what was answered") {
				t.Errorf("the task is %+v", task)
			}
			return harness.Success("")
		})
		if !got.OK || got.ExecutionCount != 2 || asked != 1 {
			t.Errorf("the run ended as %+v, and the request was made %d times", got, asked)
		}
	})
	t.Run("an end that cannot be reported waits until it can", func(t *testing.T) {
		view := s.For(t)
		stop := harness.Refuse(t, s.Database, "notification_bodies", "true")
		done := harness.NewReceiver(t, view)
		id := app.For(view).Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}},
			harness.Always(harness.Success("1")), harness.Always(harness.Success("1")))
		view.Development().WaitRun(id, protocol.RunWaitingToExecute)
		stop()
		view.Clock.Advance(5 * time.Minute)
		if got := done.WaitFor(1).Notification; !got.OK {
			t.Errorf("the run ended as %+v", got)
		}
	})
}
