package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// lateEnding is a way for a run to end while calls of its code are under way that
// the code does not await.
type lateEnding struct {
	status protocol.RunStatus
	end    func(x *harness.Execution) harness.Reply
}

func lateEndings() []lateEnding {
	always := func(reply harness.Reply) func(*harness.Execution) harness.Reply {
		return harness.Always(reply)
	}
	return []lateEnding{
		{protocol.RunSuccess, always(harness.Success("1"))},
		{protocol.RunFailure, always(harness.Failure("no"))},
		{protocol.RunInvalidPayload, always(harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[]}`))},
		{protocol.RunUnresolvedAuth, always(harness.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{}}`))},
		{protocol.RunTimedOut, always(harness.HTTP(http.StatusGatewayTimeout, ""))},
		{protocol.RunAborted, func(x *harness.Execution) harness.Reply {
			x.API.OK("DELETE", "/api/runhook/v1/endpoints/app", nil, nil)
			return harness.Success("1")
		}},
	}
}

// A Node SDK that gets a task which is canceled, has failed or waits throws. After the
// end of the run nothing catches that, and the app's process ends.
func TestATaskThatIsAskedForAfterTheEndOfItsRunThrowsNothingIntoTheApp(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`"fetched"`)) }))
		t.Cleanup(site.Close)
		for _, ending := range lateEndings() {
			id := app.Run(nil, ending.end)
			s.Development().WaitRun(id, ending.status)
			x := &harness.Execution{API: s.Development(), Body: protocol.ExecuteJob{Run: protocol.RunReference{ID: id}}}
			check := func(what string, task protocol.Task, want protocol.TaskStatus) {
				t.Helper()
				if task.Status != want || task.ForceYield {
					t.Errorf("%s: %s is %s (force yield %v), want %s", ending.status, what, task.Status, task.ForceYield, want)
				}
			}
			check("a log", x.Task("log", harness.Noop), protocol.TaskCompleted)
			late := x.Task("late")
			check("a task", late, protocol.TaskRunning)
			check("the completed task", x.Complete(late, "1"), protocol.TaskCompleted)
			check("the failed task", x.Fail(x.Task("late failure"), "no"), protocol.TaskErrored)
			if ending.status != protocol.RunTimedOut && ending.status != protocol.RunAborted {
				check("a wait", x.Task("wait", harness.Noop, harness.Delay(s.Clock.Now().Add(time.Hour))), protocol.TaskCompleted)
				check("a task with a callback", x.Task("callback", harness.Callback(60)), protocol.TaskRunning)
				check("a fetch", x.Task("fetch", func(c *protocol.CreateTask) {
					c.Operation, c.Params = "fetch", json.RawMessage(`{"url":"`+site.URL+`"}`)
				}), protocol.TaskCompleted)
				s.Wait("the late fetch is made and kept", func() bool {
					for _, task := range s.Development().Run(id).Tasks {
						if task.DisplayKey != nil && *task.DisplayKey == "fetch" {
							return task.Status == protocol.TaskCompleted
						}
					}
					return false
				})
			}
			if run := s.Development().Run(id); run.Status != ending.status {
				t.Errorf("%s: the run is %s afterwards", ending.status, run.Status)
			}
		}
	})
}

func TestATaskThatTheEndOfItsRunCutOffIsNotCanceledForTheApp(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		for _, ending := range lateEndings() {
			var open protocol.Task
			id := app.Run(nil, func(x *harness.Execution) harness.Reply {
				open = x.Task("open")
				s.Clock.Advance(time.Millisecond)
				return harness.Yield("before")
			}, ending.end)
			s.Development().WaitRun(id, ending.status)
			x := &harness.Execution{API: s.Development(), Body: protocol.ExecuteJob{Run: protocol.RunReference{ID: id}}}
			if again := x.Task("open"); again.Status == protocol.TaskCanceled {
				t.Errorf("%s: the open task is %s when it is asked for again", ending.status, again.Status)
			}
			if done := x.Complete(open, "1"); done.Status != protocol.TaskCompleted && done.Status != protocol.TaskErrored {
				t.Errorf("%s: the open task is %s when it is completed", ending.status, done.Status)
			}
		}
	})
}
