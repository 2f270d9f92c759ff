package conformance

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// polls returns a site that is busy at first and done when it is asked again, and
// how often it was asked.
func polls(t *testing.T, busy, finished http.HandlerFunc) (url string, asked *atomic.Int32) {
	asked = &atomic.Int32{}
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			busy(w, r)
			return
		}
		finished(w, r)
	}), asked
}

func answering(status int, header, value, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(header, value)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// continuesAfterPoll runs a poll with a filter, which only the second answer matches.
func continuesAfterPoll(t *testing.T, s *harness.Server, app *harness.App, filter string, busy, finished http.HandlerFunc) {
	t.Helper()
	url, asked := polls(t, busy, finished)
	id := app.Run(nil, func(x *execution) reply {
		return harness.Resume(x.Task("poll", fetches("fetch-poll", url, `,"interval":10,"responseFilter":`+filter)))
	}, func(x *execution) reply {
		want(t, "the poll", x.Task("poll").Status, protocol.TaskCompleted)
		return harness.Success("")
	})
	s.Development().WaitRun(id, protocol.RunWaitingToContinue)
	s.Wait("the poll to end", func() bool {
		if asked.Load() == 1 {
			s.Clock.Advance(10 * time.Second)
		}
		return s.Development().Run(id).Status == protocol.RunSuccess
	})
}

var operations = harness.Cases{
	"12.1 item 4: a connection that is refused fails the fetch, not the run": func(t *testing.T, s *harness.Server, app *harness.App) {
		gone := httptest.NewServer(nil)
		gone.Close()
		id := app.Run(nil, func(x *execution) reply {
			return harness.Resume(x.Task("fetch", fetches("fetch", gone.URL, "")))
		}, func(x *execution) reply {
			wantMessage(t, x.Task("fetch"))
			return harness.Success("")
		})
		s.Wait("the fetch to fail for good", func() bool {
			s.Clock.Advance(10 * time.Second)
			return s.Development().Run(id).Status == protocol.RunSuccess
		})
	},
	"12.1 item 5, 22.1 item B10: an operation with a delay is performed when that is over": func(t *testing.T, s *harness.Server, app *harness.App) {
		until := s.Clock.Now().Add(time.Minute)
		var early atomic.Bool
		url := site(t, func(http.ResponseWriter, *http.Request) { early.Store(s.Clock.Now().Before(until)) })
		id := app.Run(nil, func(x *execution) reply {
			return harness.Resume(x.Task("fetch", fetches("fetch", url, ""), harness.Delay(until)))
		}, done)
		s.Development().WaitRun(id, protocol.RunWaitingToContinue)
		s.JustBefore(until)
		want(t, "before the time", s.Development().Run(id).Status, protocol.RunWaitingToContinue)
		s.Clock.AdvanceTo(until)
		s.Development().WaitRun(id, protocol.RunSuccess)
		want(t, "performed too early", early.Load(), false)
	},
	"12.1 item 23: an operation that cannot be performed gives its task an error with a message": func(t *testing.T, s *harness.Server, app *harness.App) {
		app.End(nil, func(x *execution) reply {
			return harness.Resume(x.Task("fetch", fetches("fetch", "not a URL", "")))
		}, func(x *execution) reply {
			wantMessage(t, x.Task("fetch"))
			return harness.Success("")
		})
	},
	"12.1 item 25, 22.1 item B28, 8 item 6: a poll continues until the status matches": func(t *testing.T, s *harness.Server, app *harness.App) {
		continuesAfterPoll(t, s, app, `{"status":[201]}`, answering(200, "X-State", "done", `{}`), answering(201, "X-State", "done", `{}`))
	},
	"12.1 item 25, 22.1 item B28, 8 item 6: a poll continues until a header matches, by any case of its name": func(t *testing.T, s *harness.Server, app *harness.App) {
		continuesAfterPoll(t, s, app, `{"headers":{"X-STATE":["done"]}}`, answering(200, "X-State", "busy", `{}`), answering(200, "X-State", "done", `{}`))
	},
	"12.1 item 26: a fetch's time-out covers the body": func(t *testing.T, s *harness.Server, app *harness.App) {
		url := site(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		app.End(nil, func(x *execution) reply {
			return harness.Resume(x.Task("fetch", fetches("fetch", url, `,"timeout":{"durationInMs":1000}`)))
		}, func(x *execution) reply {
			wantMessage(t, x.Task("fetch"))
			return harness.Success("")
		})
	},
}
