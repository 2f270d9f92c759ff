package conformance

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var waits = harness.Cases{
	"22.1 item B18, 8 item 7: a wait without filters is for its account all the same": func(t *testing.T, s *harness.Server, app *harness.App) {
		run := waitFor(s, app, object{"name": "of mine", "accountId": "mine"})
		for _, options := range []object{nil, {"accountId": "other"}} {
			send(s, object{"name": "of mine"}, options)
		}
		want(t, "the run", s.Development().Run(run).Status, protocol.RunWaitingToContinue)
		send(s, object{"name": "of mine"}, object{"accountId": "mine"})
		s.Development().WaitRun(run, protocol.RunSuccess)
	},
	"22.1 item B20: the first event that a wait is for is the one, though more come before it ends": func(t *testing.T, s *harness.Server, _ *harness.App) {
		var mu sync.Mutex
		var got []string
		url := site(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if got = append(got, string(body)); len(got) == 1 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		s.Development().OK("POST", "/api/v1/event-dispatchers/ephemeral", object{"url": url, "name": "first"}, nil)
		send(s, object{"name": "first", "payload": 1}, nil)
		send(s, object{"name": "first", "payload": 2}, nil)
		s.Wait("the second call", func() bool {
			s.Clock.Advance(time.Second)
			mu.Lock()
			defer mu.Unlock()
			return len(got) == 2
		})
		want(t, "the second call", got[1], got[0])
	},
	"8 item 21: a key with a percent sign is kept, and a value is measured in UTF-16 units": func(t *testing.T, s *harness.Server, _ *harness.App) {
		api := s.Development()
		api.OK("PUT", "/api/v1/store/50%25", "x", nil)
		want(t, "the value", string(api.OK("GET", "/api/v1/store/50%25", nil, nil).Members()["value"]), `"x"`)
		want(t, "deleted", string(api.OK("DELETE", "/api/v1/store/50%25", nil, nil).Members()["deleted"]), "true")
		// 262,144 units, but three times as many bytes.
		api.OK("PUT", "/api/v1/store/large", strings.Repeat("☃", 256<<10), nil)
		wantStatus(t, api.Do("PUT", "/api/v1/store/large", strings.Repeat("☃", 256<<10+1)), 413)
	},
}

// waitFor starts a run that waits for an event.
func waitFor(s *harness.Server, app *harness.App, event object) string {
	run := app.Run(nil, func(x *execution) reply {
		waiting := x.Task("wait", harness.Callback(3600))
		event["url"] = *waiting.CallbackURL
		x.API.OK("POST", "/api/v1/event-dispatchers/ephemeral", event, nil)
		return harness.Resume(waiting)
	}, done)
	s.Development().WaitRun(run, protocol.RunWaitingToContinue)
	return run
}
