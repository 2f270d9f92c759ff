package conformance

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var answers = harness.Cases{
	"22.1 item B1, 8 item 24: a wrong method gives 405": func(t *testing.T, s *harness.Server, app *harness.App) {
		wantStatus(t, s.Development().Do("GET", "/api/v1/jobs/job/invoke", nil), 405)
		wantStatus(t, s.Development().Do("DELETE", "/api/v1/events", nil), 405)
	},
	"12.1 item 45, 22.1 item B3, 22.1 item B4, 8 item 24: what is unknown gives 404 with an error and a message": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, path := range []string{
			"/api/v1/jobs/unknown/invoke", "/api/v1/jobs/unknown/cancel-runs", "/api/v1/runs/unknown/cancel", "/api/v1/events/unknown/cancel", "/api/v1/nothing",
		} {
			wantStatus(t, s.Development().Do("POST", path, "{}"), 404)
		}
	},
	"22.1 item B3, 8 item 24: an event of the wrong shape gives 422 with an error and a message": func(t *testing.T, s *harness.Server, app *harness.App) {
		wantStatus(t, s.Development().Do("POST", "/api/v1/events", `{"event":{}}`), 422)
	},
	"22.1 item B5: a body that is not JSON gives 400": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, path := range []string{"/api/v1/events", "/api/v1/events/bulk", "/api/v1/jobs/job/invoke", "/api/v1/endpoints"} {
			wantStatus(t, s.Development().Do("POST", path, `{"a":`), 400)
		}
	},
	"12.1 item 46: an invocation that can start no run says so": func(t *testing.T, s *harness.Server, app *harness.App) {
		other := harness.NewUnregisteredApp(t, s)
		other.SetIndex(harness.Index(harness.Job("homeless", "1.0.0")))
		other.Register(s.Development(), "leaving")
		s.Development().OK("DELETE", "/api/runhook/v1/endpoints/leaving", nil, nil)
		for _, slug := range []string{"homeless", "unknown"} {
			if answer := s.Development().Do("POST", "/api/v1/jobs/"+slug+"/invoke", "{}"); answer.Status/100 != 4 || answer.Error() == "" {
				t.Errorf("invoking %s answered %d %s", slug, answer.Status, answer.Body)
			}
		}
	},
	"22.1 item B16: false and 0 and nothing in a query are false": func(t *testing.T, s *harness.Server, app *harness.App) {
		run := open(s, app)
		parent := task(s, run, "parent")
		task(s, run, "child", harness.Child(parent))
		outside(s, run).Complete(parent, `"output"`)
		for _, no := range []string{"false", "0", ""} {
			answer := s.Development().OK("GET", "/api/v2/runs/"+run+"?subtasks="+no+"&taskdetails="+no, nil, nil)
			if strings.Contains(string(answer.Body), "child") || strings.Contains(string(answer.Body), `"output":"output"`) {
				t.Errorf("with %q the run is %s", no, answer.Body)
			}
		}
	},
	"22.1 item B21: an idempotency key of another job's run is refused, as is one of an event without a run": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("another", "1.0.0", nil))
		s.Development().Invoke(harness.JobID, "{}", protocol.HeaderIdempotencyKey, "b21")
		send(s, object{"id": "b21-event", "name": "nothing listens"}, nil)
		for _, key := range []string{"b21", "b21-event"} {
			wantStatus(t, s.Development().Do("POST", "/api/v1/jobs/another/invoke", "{}", protocol.HeaderIdempotencyKey, key), 400)
		}
	},
	"22.1 item B25: an unknown access token gives 401, an unknown index hook 404": func(t *testing.T, s *harness.Server, app *harness.App) {
		wantStatus(t, s.As("tr_pat_"+strings.Repeat("a", 40)).Do("GET", "/api/v2/whoami", nil), 401)
		wantStatus(t, s.As("").Do("POST", "/api/v1/endpoints/unknown/app/index/unknown", nil), 404)
	},
}
