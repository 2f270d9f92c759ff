package api_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/servertest"
)

func cancel(s *servertest.Server, run string) servertest.Answer {
	return s.Development().Do("POST", "/api/v1/runs/"+run+"/cancel", nil)
}

func TestCancelingARun(t *testing.T) {
	t.Parallel()
	servertest.RunCases(t, servertest.Cases{
		"that waits for a task cancels both and tells of it": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			done := servertest.NewReceiver(t, s)
			id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, func(x *servertest.Execution) servertest.Reply {
				x.Complete(x.Task("finished"), "1")
				return servertest.Resume(x.Task("sleep", servertest.Delay(s.Clock.Now().Add(time.Hour))))
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
		"that is due later keeps it from being executed": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			id := app.Run(nil, servertest.Always(servertest.HTTP(500, "")))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			checkMember(t, cancel(s, id), "status", `"CANCELED"`)
			s.Clock.Advance(time.Hour)
			other := app.Run(nil, servertest.Always(servertest.Success("")))
			s.Development().WaitRun(other, protocol.RunSuccess)
			if n := len(app.Executions(id)); n != 1 {
				t.Errorf("it was executed %d times", n)
			}
		},
		"in the middle of an execution drops what that brings": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			done := servertest.NewReceiver(t, s)
			id := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, func(x *servertest.Execution) servertest.Reply {
				running := x.Task("running")
				checkMember(t, cancel(s, x.Body.Run.ID), "status", `"CANCELED"`)
				if task := x.Complete(running, "1"); task.Status != protocol.TaskCanceled {
					t.Errorf("the running task is %s", task.Status)
				}
				if task := x.Task("later"); task.Status != protocol.TaskCanceled {
					t.Errorf("a later task is %s", task.Status)
				}
				return servertest.Success(`"ignored"`)
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
		"that has ended returns it unchanged": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			for want, reply := range map[protocol.RunStatus]servertest.Reply{
				protocol.RunSuccess:        servertest.Success("1"),
				protocol.RunFailure:        servertest.Failure("no"),
				protocol.RunInvalidPayload: servertest.JSON(`{"status":"INVALID_PAYLOAD","errors":[]}`),
				protocol.RunUnresolvedAuth: servertest.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{}}`),
				protocol.RunTimedOut:       servertest.HTTP(504, ""),
			} {
				id := app.Run(nil, servertest.Always(reply))
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
	s := servertest.Start(t, servertest.Options{Adjust: oneExecution})
	app := servertest.NewApp(t, s)
	release := make(chan struct{})
	busy := app.Run(nil, func(*servertest.Execution) servertest.Reply {
		<-release
		return servertest.Success("")
	})
	s.Wait("the only slot to be taken", func() bool { return len(app.Executions(busy)) == 1 })
	done := servertest.NewReceiver(t, s)
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
	servertest.RunCases(t, servertest.Cases{
		"cancels those that are open": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			ended := app.Run(nil, servertest.Always(servertest.Success("")))
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
		"leaves those of other environments alone": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			id := openRun(s, app)
			answer := s.As(s.Key(protocol.Production).Secret).Do("POST", "/api/v1/jobs/job/cancel-runs", nil)
			checkMember(t, answer, "cancelledRunIds", "[]")
			s.Development().WaitRun(id, protocol.RunWaitingToContinue)
			cancel(s, id)
		},
		"of a job that nobody knows gives 404": func(t *testing.T, s *servertest.Server, app *servertest.App) {
			checkStatus(t, s.Development().Do("POST", "/api/v1/jobs/unknown/cancel-runs", nil), 404)
		},
	})
}
