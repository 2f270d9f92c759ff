package conformance

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var life = harness.Cases{
	"12.1 item 1: a callback that comes during an execution resumes the run at once": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, func(x *execution) reply {
			asked := x.Task("ask", harness.Callback(3600))
			callBack(s, asked, `1`)
			return harness.Resume(asked)
		}, done)
		wantEnd(t, got, protocol.RunSuccess, 2, 0)
	},
	"12.1 item 1: so does one for another task than the app then waits for": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, func(x *execution) reply {
			callBack(s, x.Task("first", harness.Callback(0)), `1`)
			return harness.Resume(x.Task("second", harness.Callback(0)))
		}, done)
		wantEnd(t, got, protocol.RunSuccess, 2, 0)
	},
	"12.1 item 2: an item of a parallel task is tried again when due, though others wait": func(t *testing.T, s *harness.Server, app *harness.App) {
		until := s.Clock.Now().Add(time.Minute)
		var asked protocol.Task
		id := app.Run(nil, func(x *execution) reply {
			parent := x.Task("all", harness.Parallel)
			asked = x.Task("ask", harness.Child(parent), harness.Callback(0))
			return harness.ResumeParallel(parent, harness.Resume(asked), harness.Retry(x.Task("again", harness.Child(parent)), until))
		}, func(x *execution) reply {
			x.Complete(x.Task("again"), "1")
			return harness.ResumeParallel(x.Task("all"), harness.Resume(asked))
		}, done)
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		s.Clock.AdvanceTo(until)
		s.Wait("the second execution", func() bool { return len(app.Executions(id)) == 2 })
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		callBack(s, asked, `1`)
		s.Development().WaitRun(id, protocol.RunSuccess)
	},
	"12.1 item 3: a task that waits to be tried again is not hurried by an execution that meets it": func(t *testing.T, s *harness.Server, app *harness.App) {
		until := s.Clock.Now().Add(time.Minute)
		var asked protocol.Task
		id := app.Run(nil, func(x *execution) reply {
			asked = x.Task("ask", harness.Callback(0))
			return harness.ResumeParallel(x.Task("both", harness.Parallel), harness.Retry(x.Task("again"), until), harness.Resume(asked))
		}, func(x *execution) reply {
			return harness.Resume(x.Task("again"))
		}, done)
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		callBack(s, asked, `1`)
		s.Wait("the second execution", func() bool { return len(app.Executions(id)) == 2 })
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		s.JustBefore(until)
		want(t, "before the time", s.Development().Run(id).Status, protocol.RunWaitingToContinue)
		s.Clock.AdvanceTo(until)
		s.Development().WaitRun(id, protocol.RunSuccess)
		if at := app.Executions(id)[2].At; at.Before(until) {
			t.Errorf("resumed at %v, before %v", at, until)
		}
	},
	"12.1 item 6, 22.1 item B6: a cancel leaves an ended run as it is": func(t *testing.T, s *harness.Server, app *harness.App) {
		id := app.Run(nil, harness.Always(harness.Failure("no")))
		before := s.Development().WaitRun(id, protocol.RunFailure)
		s.Clock.Advance(time.Second)
		cancel(s, id)
		after := s.Development().Run(id)
		want(t, "the status", after.Status, protocol.RunFailure)
		want(t, "the time of its end", *after.CompletedAt, *before.CompletedAt)
		want(t, "the error", string(after.Output), string(before.Output))
	},
	"12.1 item 7: a cancel during an execution stays": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, func(x *execution) reply {
			cancel(s, x.Body.Run.ID)
			return harness.Success(`"ignored"`)
		})
		want(t, "the status", got.Status, protocol.RunCanceled)
		want(t, "the status later", s.Development().Run(got.ID).Status, protocol.RunCanceled)
	},
	"12.1 item 8, 22.1 item B13: the time of a canceled task comes to nothing": func(t *testing.T, s *harness.Server, app *harness.App) {
		id := app.Run(nil, func(x *execution) reply {
			return harness.Resume(x.Task("sleep", harness.Noop, harness.Delay(s.Clock.Now().Add(time.Minute))))
		})
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		cancel(s, id)
		// What is due later than it was has come when this one resumes.
		beside := app.Run(nil, func(x *execution) reply {
			return harness.Resume(x.Task("sleep", harness.Noop, harness.Delay(s.Clock.Now().Add(time.Hour))))
		}, done)
		s.Development().WaitRun(beside, protocol.RunWaitingToContinue)
		s.Clock.Advance(time.Hour)
		s.Development().WaitRun(beside, protocol.RunSuccess)
		want(t, "the task", s.Development().Run(id).Tasks[0].Status, protocol.TaskCanceled)
		want(t, "executions", len(app.Executions(id)), 1)
	},
	"12.1 item 9, 22.1 item B6: who waits for a canceled run is notified": func(t *testing.T, s *harness.Server, app *harness.App) {
		childKey := app.Script(func(x *execution) reply {
			cancel(s, x.Body.Run.ID)
			return harness.Success("")
		})
		parent := app.Run(nil, func(x *execution) reply {
			invoked := x.Task("invoke", harness.Callback(0))
			x.API.Invoke(harness.JobID, calledBackAt(*invoked.CallbackURL), protocol.HeaderIdempotencyKey, childKey)
			return harness.Resume(invoked)
		}, func(x *execution) reply {
			var got protocol.RawRunNotification
			if err := json.Unmarshal(x.Task("invoke").Output, &got); err != nil || got.OK {
				t.Errorf("got %+v, %v", got, err)
			}
			want(t, "the child", got.Status, protocol.RunCanceled)
			return harness.Success("")
		})
		s.Development().WaitRun(parent, protocol.RunSuccess)
	},
	"12.1 item 12: a run that used up its time ends at any answer": func(t *testing.T, s *harness.Server, app *harness.App) {
		wantEnd(t, app.End(nil, took(s, 15*time.Minute, asks)), protocol.RunTimedOut, 1, 15*time.Minute)
	},
	"12.1 item 14: a run that yields again and again without progress fails": func(t *testing.T, s *harness.Server, app *harness.App) {
		wantEnd(t, app.End(nil, repeated(20, harness.Always(harness.AutoYield()))...), protocol.RunFailure, 20, 0)
	},
	"12.1 item 15, 22.1 item B11: many who create a task at once get the same": func(t *testing.T, s *harness.Server, app *harness.App) {
		run := open(s, app)
		ids := make([]string, 12)
		var creators sync.WaitGroup
		for i := range ids {
			creators.Go(func() { ids[i] = task(s, run, "one").ID })
		}
		creators.Wait()
		for _, id := range ids {
			want(t, "the id", id, ids[0])
		}
	},
	"12.1 item 38: what an answer says of a task is not believed": func(t *testing.T, s *harness.Server, app *harness.App) {
		var asked protocol.Task
		id := app.Run(nil, func(x *execution) reply {
			asked = x.Task("ask", harness.Callback(0))
			echo := asked
			echo.Status, echo.CallbackURL, echo.ParentID = protocol.TaskCompleted, nil, &asked.ID
			return harness.Resume(echo)
		}, done)
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		callBack(s, asked, `1`)
		s.Development().WaitRun(id, protocol.RunSuccess)
	},
	"12.1 item 47: a concurrency limit is the job's own, and holds on one server": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("limited", "1.0.0", object{"concurrencyLimit": 1}))
		release := make(chan struct{})
		first := s.Development().Invoke("limited", "{}", protocol.HeaderIdempotencyKey, app.Script(func(*execution) reply {
			<-release
			return harness.Success("")
		}))
		s.Wait("the first execution", func() bool { return len(app.Executions(first)) == 1 })
		second := s.Development().Invoke("limited", "{}", protocol.HeaderIdempotencyKey, app.Script(done))
		// Other jobs do not wait.
		s.Development().WaitRun(app.Run(nil, done), protocol.RunSuccess)
		want(t, "executions of the second", len(app.Executions(second)), 0)
		close(release)
		s.Development().WaitRun(second, protocol.RunSuccess)
	},
	"22.1 item B7: canceling the runs of an event cancels what executes and what waits": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("waits", "1.0.0", on("b7", nil, nil)), job("works", "1.0.0", on("b7", nil, nil)), job("fails", "1.0.0", on("b7", nil, nil)))
		release := make(chan struct{})
		defer close(release)
		key := app.Script(func(x *execution) reply {
			switch x.Body.Job.ID {
			case "waits":
				return asks(x)
			case "fails":
				return harness.HTTP(500, "")
			}
			<-release
			return harness.Success("")
		})
		send(s, object{"id": key, "name": "b7"}, nil)
		var got protocol.EventDetails
		s.Development().OK("GET", "/api/v2/events/"+key, nil, &got)
		for _, run := range got.Runs {
			s.Wait("run "+run.ID+" to be on its way", func() bool {
				status := s.Development().Run(run.ID).Status
				return len(app.Executions(run.ID)) == 1 && status != protocol.RunQueued
			})
		}
		var canceled protocol.CanceledRuns
		s.Development().OK("POST", "/api/v1/events/"+key+"/cancel-runs", nil, &canceled)
		want(t, "canceled runs", len(canceled.Canceled), 3)
		for _, run := range got.Runs {
			s.Development().WaitRun(run.ID, protocol.RunCanceled)
		}
	},
}
