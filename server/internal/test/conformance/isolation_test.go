package conformance

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var isolation = harness.Cases{
	"12.1 item 33, 22.1 item B2, 8 item 23: a run is not there for another environment": func(t *testing.T, s *harness.Server, app *harness.App) {
		id := open(s, app)
		other := s.As(s.Key(protocol.Production).Secret)
		run := "/api/v1/runs/" + id
		for _, asked := range []struct{ method, path, body string }{
			{"POST", run + "/tasks", `{"idempotencyKey":"k"}`},
			{"POST", run + "/cancel", ""},
			{"PUT", run + "/statuses/s", `{"label":"L"}`},
			{"GET", run + "/statuses", ""},
			{"GET", strings.Replace(run, "v1", "v2", 1) + "/statuses", ""},
		} {
			wantStatus(t, other.Do(asked.method, asked.path, asked.body, protocol.HeaderIdempotencyKey, "k"), 404)
		}
		want(t, "the run", s.Development().Run(id).Status, protocol.RunWaitingToContinue)
	},
	"12.1 item 37, 22.1 item B2, 8 item 22: canceling the runs of a job leaves other environments alone": func(t *testing.T, s *harness.Server, app *harness.App) {
		id := open(s, app)
		// It does not even learn that they have the job.
		wantStatus(t, s.As(s.Key(protocol.Production).Secret).Do("POST", "/api/v1/jobs/job/cancel-runs", nil), 404)
		want(t, "the run", s.Development().Run(id).Status, protocol.RunWaitingToContinue)
	},
	"12.1 item 34, 22.1 item B24: registering an app and asking who one is reveal no secret": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, answer := range []harness.Answer{
			s.Development().OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: app.URL}, nil),
			s.Development().OK("GET", "/api/v1/whoami", nil, nil),
		} {
			if strings.Contains(string(answer.Body), "tr_dev_") || strings.Contains(string(answer.Body), `"apiKey"`) {
				t.Errorf("the answer is %s", answer.Body)
			}
		}
	},
	"12.1 item 36: a redirect that would turn the POST into a GET is an error, another is followed": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, status := range []int{301, 302, 303} {
			id := app.Run(nil, harness.Always(harness.HTTP(status, "", "Location", app.URL+"/moved")))
			s.Development().WaitRun(id, protocol.RunWaitingToExecute)
			want(t, "executions", len(app.Executions(id)), 1)
			cancel(s, id)
		}
		for _, status := range []int{307, 308} {
			got := app.End(nil, harness.Always(harness.HTTP(status, "", "Location", app.URL+"/moved")), done)
			wantEnd(t, got, protocol.RunSuccess, 1, 0)
		}
	},
}
