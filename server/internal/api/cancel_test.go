package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func cancel(s *harness.Server, run string) harness.Answer {
	return s.Development().Do("POST", "/api/v1/runs/"+run+"/cancel", nil)
}

func TestCancelingARun(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"that waits for a task cancels both and notifies of it": func(t *testing.T, s *harness.Server, app *harness.App) {
			done := harness.NewReceiver(t, s)
			id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, func(x *harness.Execution) harness.Reply {
				x.Complete(x.Task("finished"), "1")
				return harness.Resume(x.Task("sleep", harness.Delay(s.Clock.Now().Add(time.Hour))))
			})
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			answer := cancel(s, id)
			checkStatus(t, answer, 200)
			checkMember(t, answer, "status", `"CANCELED"`)
			checkMember(t, answer, "completedAt", `"`+protocol.At(s.Clock.Now()).String()+`"`)
			checkMember(t, answer, "nextCursor", "")
			tasks := s.Development().Run(id).Tasks
			if tasks[0].Status != protocol.TaskCompleted || tasks[1].Status != protocol.TaskCanceled {
				t.Errorf("the tasks are %s", asJSON(tasks))
			}
			if got := done.WaitFor(1).Notification; got.Status != protocol.RunCanceled || got.OK || got.ExecutionCount != 1 {
				t.Errorf("the notification is %+v", got)
			}
			s.Clock.Advance(2 * time.Hour)
			checkMember(t, cancel(s, id), "status", `"CANCELED"`)
			if n := len(app.Executions(id)); n != 1 {
				t.Errorf("it was executed %d times", n)
			}
		},
		"that is due later keeps it from being executed": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := app.Run(nil, harness.Always(harness.HTTP(500, "")))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			checkMember(t, cancel(s, id), "status", `"CANCELED"`)
			s.Clock.Advance(time.Hour)
			other := app.Run(nil, harness.Always(harness.Success("")))
			s.Development().WaitRun(other, protocol.RunSuccess)
			if n := len(app.Executions(id)); n != 1 {
				t.Errorf("it was executed %d times", n)
			}
		},
		"in the middle of an execution drops what that brings": func(t *testing.T, s *harness.Server, app *harness.App) {
			done := harness.NewReceiver(t, s)
			id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, func(x *harness.Execution) harness.Reply {
				running := x.Task("running")
				checkMember(t, cancel(s, x.Body.Run.ID), "status", `"CANCELED"`)
				if task := x.Complete(running, "1"); task.Status != protocol.TaskCanceled {
					t.Errorf("the running task is %s", task.Status)
				}
				if task := x.Task("later"); task.Status != protocol.TaskCanceled {
					t.Errorf("a later task is %s", task.Status)
				}
				return harness.Success(`"ignored"`)
			})
			run := s.Development().WaitRun(id, protocol.RunCanceled)
			if string(run.Output) != "null" {
				t.Errorf("the output is %s", run.Output)
			}
			if got := done.WaitFor(1).Notification; got.Status != protocol.RunCanceled || got.ExecutionCount != 0 || got.Output != nil || got.RunError() == nil || got.RunError().Message == "" {
				t.Errorf("the notification is %+v", got)
			}
			checkMember(t, cancel(s, id), "status", `"CANCELED"`)
			if n := len(done.Delivered()); n != 1 {
				t.Errorf("%d notifications were sent", n)
			}
		},
		"that has ended returns it unchanged": func(t *testing.T, s *harness.Server, app *harness.App) {
			for want, reply := range map[protocol.RunStatus]harness.Reply{
				protocol.RunSuccess:        harness.Success("1"),
				protocol.RunFailure:        harness.Failure("no"),
				protocol.RunInvalidPayload: harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[]}`),
				protocol.RunUnresolvedAuth: harness.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{}}`),
				protocol.RunTimedOut:       harness.HTTP(504, ""),
			} {
				id := app.Run(nil, harness.Always(reply))
				before := s.Development().WaitRun(id, want)
				s.Clock.Advance(time.Second)
				checkStatus(t, cancel(s, id), 200)
				if after := s.Development().Run(id); asJSON(after) != asJSON(before) {
					t.Errorf("the run was %s and is %s", asJSON(before), asJSON(after))
				}
			}
		},
	})
}

func TestCancelingARunThatHasNotBegun(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: oneExecution})
	app := harness.NewApp(t, s)
	release := make(chan struct{})
	busy := app.Run(nil, func(*harness.Execution) harness.Reply {
		<-release
		return harness.Success("")
	})
	s.Wait("the only slot to be taken", func() bool { return len(app.Executions(busy)) == 1 })
	done := harness.NewReceiver(t, s)
	queued := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}})
	if run := s.Development().Run(queued); run.Status != protocol.RunQueued || run.StartedAt != nil {
		t.Errorf("the run is %s, started at %v", run.Status, run.StartedAt)
	}
	checkMember(t, cancel(s, queued), "status", `"CANCELED"`)
	if got := done.WaitFor(1).Notification; !got.StartedAt.Equal(got.CompletedAt.Time) {
		t.Errorf("it never started, so it did so when it ended: %v and %v", got.StartedAt, got.CompletedAt)
	}
	close(release)
	s.Development().WaitRun(busy, protocol.RunSuccess)
	if n := len(app.Executions(queued)); n != 0 {
		t.Errorf("it was executed %d times", n)
	}
}

func TestCancelingTheRunsOfAJob(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"cancels those that are open": func(t *testing.T, s *harness.Server, app *harness.App) {
			ended := app.Run(nil, harness.Always(harness.Success("")))
			s.Development().WaitRun(ended, protocol.RunSuccess)
			open := []string{openRun(s, app), openRun(s, app), openRun(s, app)}
			answer := s.Development().Do("POST", "/api/v1/jobs/job/cancel-runs", nil)
			checkStatus(t, answer, 200)
			checkMember(t, answer, "cancelledRunIds", asJSON(open))
			checkMember(t, answer, "failedToCancelRunIds", "[]")
			for _, id := range open {
				s.Development().WaitRun(id, protocol.RunCanceled)
			}
			checkMember(t, s.Development().Do("POST", "/api/v1/jobs/job/cancel-runs", nil), "cancelledRunIds", "[]")
		},
		"leaves those of other environments alone, and does not say that there are any": func(t *testing.T, s *harness.Server, app *harness.App) {
			id := openRun(s, app)
			production := s.As(s.Key(protocol.Production).Secret)
			for _, asked := range []struct{ method, path string }{
				{"POST", "/api/v1/jobs/%s/cancel-runs"}, {"POST", "/api/v1/jobs/%s/invoke"}, {"GET", "/api/v1/jobs/%s/runs"},
				{"POST", "/api/runhook/v1/jobs/%s/test"}, {"GET", "/api/runhook/v1/runs?job=%s"}, {"GET", "/api/runhook/v1/notifications?job=%s"},
			} {
				there := production.Do(asked.method, fmt.Sprintf(asked.path, "job"), nil)
				nowhere := production.Do(asked.method, fmt.Sprintf(asked.path, "nothing"), nil)
				if want := strings.ReplaceAll(string(nowhere.Body), "nothing", "job"); there.Status != nowhere.Status || string(there.Body) != want {
					t.Errorf("%s %s: a job of DEVELOPMENT alone is answered with %d %s, an unknown one with %d %s", asked.method, asked.path, there.Status, there.Body, nowhere.Status, nowhere.Body)
				}
			}
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			cancel(s, id)
		},
		"of an unknown job gives 404": func(t *testing.T, s *harness.Server, app *harness.App) {
			checkStatus(t, s.Development().Do("POST", "/api/v1/jobs/unknown/cancel-runs", nil), 404)
		},
	})
}
