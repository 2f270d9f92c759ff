package conformance

import (
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var again = harness.Cases{
	"12.1 item 10: a run that is continued runs again what failed it and what its end cut off": func(t *testing.T, s *harness.Server, app *harness.App) {
		id := app.Run(nil, func(x *execution) reply {
			x.Complete(x.Task("finished"), "1")
			x.Task("cut off")
			x.Fail(x.Task("failed"), "no")
			return harness.Failure("no")
		}, func(x *execution) reply {
			want(t, "the finished task", x.Task("finished").Status, protocol.TaskCompleted)
			want(t, "the task that was cut off", x.Task("cut off").Status, protocol.TaskRunning)
			want(t, "the task that failed the run", x.Task("failed").Status, protocol.TaskRunning)
			return harness.Success("")
		})
		s.Development().WaitRun(id, protocol.RunFailure)
		resume(s, id)
		s.Wait("success", func() bool { return s.Development().Run(id).Status == protocol.RunSuccess })
	},
	"12.1 item 10, 12.1 item 11: failures are counted anew after a good answer and when a run is continued": func(t *testing.T, s *harness.Server, app *harness.App) {
		broken := harness.Always(harness.HTTP(500, ""))
		steps := append(repeated(9, broken), harness.Always(harness.Yield("breath")))
		steps = append(steps, repeated(10, broken)...)
		steps = append(steps, repeated(9, broken)...)
		got := app.End(patient(s), append(steps, done)...)
		want(t, "the status", got.Status, protocol.RunFailure)
		want(t, "executions", len(app.Executions(got.ID)), 20)
		resume(s, got.ID)
		s.Wait("success", func() bool {
			patient(s)(got.ID)
			return s.Development().Run(got.ID).Status == protocol.RunSuccess
		})
	},
	"22.1 item B8: a canceled task comes back only with its run, and its callback is timed anew": func(t *testing.T, s *harness.Server, app *harness.App) {
		id := app.Run(nil, func(x *execution) reply {
			return harness.Resume(x.Task("ask", harness.Callback(60)))
		}, func(x *execution) reply {
			asked := x.Task("ask", harness.Callback(60))
			if asked.Status != protocol.TaskWaiting || asked.CompletedAt != nil {
				t.Errorf("the task is %s since %v", asked.Status, asked.CompletedAt)
			}
			return harness.Resume(asked)
		}, func(x *execution) reply {
			wantMessage(t, x.Task("ask"))
			return harness.Success("")
		})
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		cancel(s, id)
		want(t, "the task of the canceled run", task(s, id, "ask", harness.Callback(60)).Status, protocol.TaskCanceled)
		s.Clock.Advance(time.Hour)
		resume(s, id)
		s.Wait("the second execution", func() bool { return len(app.Executions(id)) == 2 })
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		s.Clock.Advance(time.Minute)
		s.Development().WaitRun(id, protocol.RunSuccess)
	},
	"12.1 item 5, 22.1 item B8: an operation that a cancel cut off is performed when the run is continued": func(t *testing.T, s *harness.Server, app *harness.App) {
		url := site(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`"fetched"`)) })
		step := func(x *execution) reply {
			return harness.Resume(x.Task("fetch", fetches("fetch", url, ""), harness.Delay(s.Clock.Now().Add(time.Minute))))
		}
		id := app.Run(nil, step, step, func(x *execution) reply {
			want(t, "the output", string(x.Task("fetch").Output), `"fetched"`)
			return harness.Success("")
		})
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		cancel(s, id)
		s.Clock.Advance(time.Hour)
		resume(s, id)
		s.Wait("the second execution", func() bool { return len(app.Executions(id)) == 2 })
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		s.Clock.Advance(time.Minute)
		s.Development().WaitRun(id, protocol.RunSuccess)
	},
	"22.1 item B9: a task that is asked for after the end of its run is canceled if the run was, and only then": func(t *testing.T, s *harness.Server, app *harness.App) {
		for status, ended := range map[protocol.RunStatus]reply{
			protocol.RunFailure: harness.Failure("no"), protocol.RunTimedOut: harness.HTTP(504, ""), protocol.RunSuccess: harness.Success(""),
			protocol.RunInvalidPayload: harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[]}`),
		} {
			id := app.Run(nil, harness.Always(ended))
			s.Development().WaitRun(id, status)
			want(t, string(status), task(s, id, "late").Status, protocol.TaskRunning)
			want(t, string(status), task(s, id, "log", harness.Noop).Status, protocol.TaskCompleted)
		}
		id := app.Run(nil, func(x *execution) reply {
			cancel(s, x.Body.Run.ID)
			return harness.Success("")
		})
		s.Development().WaitRun(id, protocol.RunCanceled)
		want(t, "the task of a canceled run", task(s, id, "late").Status, protocol.TaskCanceled)
		want(t, "the log of a canceled run", task(s, id, "log", harness.Noop).Status, protocol.TaskCanceled)
	},
	"12.1 item 31: a run that is rerun keeps payload, context and account": func(t *testing.T, s *harness.Server, app *harness.App) {
		first := app.Run(`{"payload":{"b":1,"a":2},"context":{"c":3},"options":{"accountId":"acme"}}`, done)
		s.Development().WaitRun(first, protocol.RunSuccess)
		var rerun protocol.InvokedRun
		s.Development().OK("POST", "/api/runhook/v1/runs/"+first+"/rerun", nil, &rerun)
		s.Development().WaitRun(rerun.ID, protocol.RunSuccess)
		one, two := app.Executions(first)[0].Body, app.Executions(rerun.ID)[0].Body
		want(t, "the payload", string(two.Event.Payload), string(one.Event.Payload))
		want(t, "the context", string(two.Event.Context), string(one.Event.Context))
		if two.Account == nil || two.Account.ID != "acme" {
			t.Errorf("the account is %+v", two.Account)
		}
	},
}
