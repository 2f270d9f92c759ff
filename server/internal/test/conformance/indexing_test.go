package conformance

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var indexing = harness.Cases{
	"12.1 item 39, 8 item 11: the latest version is so by its numbers, for invocations and for events": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("moving", "10.0.0", on("moved", nil, nil)))
		index(t, s, app, job("moving", "9.0.0", on("moved", nil, nil)))
		invoked := s.Development().Invoke("moving", "{}")
		send(s, object{"id": "moved", "name": "moved"}, nil)
		var got protocol.EventDetails
		s.Development().OK("GET", "/api/v2/events/moved", nil, &got)
		want(t, "runs", len(got.Runs), 1)
		for _, run := range []string{invoked, got.Runs[0].ID} {
			s.Development().WaitRun(run, protocol.RunSuccess)
			want(t, "the version", app.Executions(run)[0].Body.Job.Version, "10.0.0")
		}
	},
	"12.1 item 40, 8 item 9: indexing an app leaves the jobs of others alone": func(t *testing.T, s *harness.Server, app *harness.App) {
		other := harness.NewUnregisteredApp(t, s)
		other.SetIndex(harness.Index(job("theirs", "1.0.0", on("shared", nil, nil))))
		other.Register(s.Development(), "other")
		index(t, s, app)
		send(s, object{"id": "shared", "name": "shared"}, nil)
		want(t, "runs of the event", started(s, "shared"), 1)
		s.Development().Invoke("theirs", "{}")
	},
	"12.1 item 41, 8 item 8: a job that gets a trigger of another kind leaves the old one behind": func(t *testing.T, s *harness.Server, app *harness.App) {
		for _, kind := range []object{
			{"type": "invoke"}, {"type": "dynamic", "id": "d"},
			{"type": "scheduled", "schedule": object{"type": "interval", "options": object{"seconds": 3600}}},
		} {
			name := kind["type"].(string)
			index(t, s, app, job("kind", "1.0.0", on(name, nil, nil)))
			index(t, s, app, job("kind", "1.0.0", object{"trigger": kind}))
			send(s, object{"id": name + "-without", "name": name}, nil)
			want(t, "runs when it is "+name, started(s, name+"-without"), 0)
			index(t, s, app, job("kind", "1.0.0", on(name, nil, nil)))
			send(s, object{"id": name + "-with", "name": name}, nil)
			want(t, "runs after "+name, started(s, name+"-with"), 1)
		}
	},
	"12.1 item 42: the trigger of a job that is gone is switched off": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("gone", "1.0.0", on("gone", nil, nil)))
		index(t, s, app)
		send(s, object{"id": "gone", "name": "gone"}, nil)
		want(t, "runs", started(s, "gone"), 0)
	},
	"12.1 item 43, 22.1 item B27: webhooks are counted, and a job without a dispatcher can be disabled": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("invoked", "1.0.0", nil))
		app.SetIndex(strings.Replace(harness.Index(harness.Job(harness.JobID, harness.JobVersion)), "{", `{"httpEndpoints":[{"id":"w","source":"s"}],"webhooks":[{"key":"w","httpEndpoint":{"id":"w"}}],`, 1))
		answer := app.Register(s.Development(), "app")
		for _, stat := range []string{`"webhooks":1`, `"disabledJobs":1`} {
			if !strings.Contains(string(answer.Members()["stats"]), stat) {
				t.Errorf("the indexing is %s, want %s", answer.Body, stat)
			}
		}
	},
	"12.1 item 44, 8 item 10: a job that is disabled takes no invocation, no rerun and no event": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("off", "1.0.0", on("off", nil, nil)))
		run := s.Development().Invoke("off", "{}")
		s.Development().WaitRun(run, protocol.RunSuccess)
		index(t, s, app, job("off", "1.0.0", object{"enabled": false, "trigger": on("off", nil, nil)["trigger"]}))
		for _, path := range []string{"/api/v1/jobs/off/invoke", "/api/runhook/v1/runs/" + run + "/rerun", "/api/runhook/v1/jobs/off/test"} {
			if answer := s.Development().Do("POST", path, "{}"); answer.Status/100 != 4 || answer.Error() == "" {
				t.Errorf("%s answered %d %s", path, answer.Status, answer.Body)
			}
		}
		send(s, object{"id": "off", "name": "off"}, nil)
		want(t, "runs", started(s, "off"), 0)
	},
	"12.1 item 49: an index that is not JSON fails": func(t *testing.T, s *harness.Server, app *harness.App) {
		app.SetIndex("<html>")
		want(t, "the indexing", string(app.Register(s.Development(), "app").Members()["status"]), `"FAILURE"`)
	},
}
