package conformance

import (
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var counting = harness.Cases{
	"12.1 item 16: an item of a parallel task that fails is counted once": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, took(s, 700*time.Millisecond, func(x *execution) reply {
			parent := x.Task("all", harness.Parallel)
			asked := x.Task("ask", harness.Child(parent), harness.Callback(0))
			return harness.ResumeParallel(parent, harness.Resume(asked), harness.Failure("no"))
		}))
		wantEnd(t, got, protocol.RunFailure, 1, 700*time.Millisecond)
	},
	"12.1 item 17: a 4xx with a message is counted with its time": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(nil, took(s, time.Second, harness.Always(harness.HTTP(400, `{"message":"no"}`))))
		wantEnd(t, got, protocol.RunFailure, 1, time.Second)
	},
	"12.1 item 17: a 408 or 504 with a message is a time-out": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, status := range []int{408, 504} {
			got := app.End(nil, func(x *execution) reply {
				x.Complete(x.Task("progress"), "1")
				return harness.HTTP(status, `{"message":"out of time"}`)
			}, done)
			wantEnd(t, got, protocol.RunSuccess, 2, 0)
		}
	},
	"12.1 item 17: a 429 is tried again": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(patient(s), harness.Always(harness.HTTP(429, `{"message":"slow down"}`)), done)
		want(t, "the status", got.Status, protocol.RunSuccess)
	},
	"12.1 item 18: run metadata that is malformed is passed over": func(t *testing.T, s *harness.Server, app *harness.App) {
		answer := harness.Success("1")
		answer.Header.Set(protocol.HeaderRunMetadata, `{"successSubscription":`)
		wantEnd(t, app.End(nil, harness.Always(answer)), protocol.RunSuccess, 1, 0)
	},
	"12.1 item 19: an answer that is not JSON is tried again": func(t *testing.T, s *harness.Server, app *harness.App) {
		got := app.End(patient(s), harness.Always(harness.HTTP(200, "<html>gateway</html>")), done)
		want(t, "the status", got.Status, protocol.RunSuccess)
	},
	"12.1 item 20: the times of an automatic yield may have fractions": func(t *testing.T, s *harness.Server, app *harness.App) {
		fractions := harness.JSON(`{"status":"AUTO_YIELD_EXECUTION","location":"start_task","timeRemaining":1.25,"timeElapsed":2.5,"limit":3.75}`)
		wantEnd(t, app.End(nil, harness.Always(fractions), done), protocol.RunSuccess, 2, 0)
	},
	"12.1 item 22: what the server fetches does not count as time of the app": func(t *testing.T, s *harness.Server, app *harness.App) {
		suspended := make(chan struct{})
		url := site(t, func(http.ResponseWriter, *http.Request) {
			<-suspended // what passes before also passes for the execution
			s.Clock.Advance(10 * time.Second)
		})
		got := harness.NewReceiver(t, s)
		id := app.Run(calledBackAt(got.URL), took(s, time.Second, func(x *execution) reply {
			return harness.Resume(x.Task("fetch", fetches("fetch", url, "")))
		}), done)
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		close(suspended)
		wantEnd(t, got.WaitFor(1).Notification, protocol.RunSuccess, 2, time.Second)
	},
	"22.1 item B15: the attempts of a task that has ended are all of them": func(t *testing.T, s *harness.Server, app *harness.App) {
		app.End(nil, func(x *execution) reply {
			return harness.Retry(x.Task("again"), s.Clock.Now())
		}, func(x *execution) reply {
			again := x.Task("again")
			x.Complete(again, "1")
			want(t, "attempts returned by complete", x.Complete(again, "1").Attempts, 2)
			want(t, "attempts returned by fail", x.Fail(again, "no").Attempts, 2)
			return harness.Success("")
		})
	},
}
