package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// indexWith is an index with a job, a dynamic trigger and a dynamic schedule.
func indexWith(job, trigger, schedule string) string {
	return fmt.Sprintf(`{"jobs":[%s],"sources":[],"dynamicTriggers":[{"id":%q,"jobs":[]}],"dynamicSchedules":[{"id":%q,"jobs":[]}]}`,
		harness.Job(job, "1.0.0"), trigger, schedule)
}

func TestIDsInPathsWorkOnEveryRouteOrAreRefusedWhenTheyAreMade(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"those that work": func(t *testing.T, s *harness.Server, _ *harness.App) {
			client := s.Development()
			for _, id := range []string{"plain", "with/a/slash", "a b", "ünï é", "a+b&c=d", "schedules"} {
				app := harness.NewUnregisteredApp(t, s)
				app.SetIndex(indexWith(id, id, id))
				app.Register(client, id)
				// As the Go SDK and browsers write them, and as the Node SDK does.
				node := func(text string) string { return (&url.URL{Path: text}).EscapedPath() }
				for _, in := range []func(string) string{url.PathEscape, node} {
					of := in(id)
					client.OK("POST", "/api/v1/"+of+"/schedules/"+of+"/registrations", map[string]any{"id": id, "type": "interval", "options": map[string]any{"seconds": 60}}, nil)
					client.OK("DELETE", "/api/v1/"+of+"/schedules/"+of+"/registrations/"+in(id), nil, nil)
					var got protocol.RegisterSource
					client.OK("PUT", "/api/v2/"+of+"/triggers/"+of+"/registrations/"+in(id), registration("n", "s"), &got)
					if !strings.HasSuffix(got.Source.Key, ":"+id+":src") {
						t.Errorf("the registration of %q became %q", id, got.Source.Key)
					}
					client.OK("PUT", "/api/v2/"+of+"/sources/"+in(got.Source.Key), `{"options":{"event":["e"]}}`, nil)
					client.OK("POST", "/api/v1/endpoints/"+of+"/index", `{}`, nil)
					client.OK("POST", "/api/v1/jobs/"+of+"/invoke", `{}`, nil)
					client.OK("POST", "/api/v1/jobs/"+of+"/cancel-runs", nil, nil)
				}
				client.OK("DELETE", "/api/runhook/v1/endpoints/"+url.PathEscape(id), nil, nil)
			}
		},
		"those that are refused": func(t *testing.T, s *harness.Server, app *harness.App) {
			client := s.Development()
			for _, id := range []string{"a?b", "a#b", "50%", `a\b`, "a//b", "/a", "a/", "..", "a/./b", "a\tb"} {
				answer := client.Do("POST", "/api/v1/endpoints", map[string]any{"id": id, "url": app.URL})
				if answer.Status != 400 || !strings.Contains(answer.Error(), fmt.Sprintf("%q", id)) {
					t.Errorf("the app %q was answered %d %s", id, answer.Status, answer.Body)
				}
				for what, index := range map[string]string{
					"Job": indexWith(id, "d", "d"), "Dynamic trigger": indexWith("j", id, "d"), "Dynamic schedule": indexWith("j", "d", id),
				} {
					app.SetIndex(index)
					if answer := app.Register(client, "app"); !strings.Contains(string(answer.Body), `"FAILURE"`) || !strings.Contains(string(answer.Body), "- "+what) {
						t.Errorf("%s %q: %s", what, id, answer.Body)
					}
				}
			}
			for _, key := range []string{".", ".."} {
				answer := client.Do("POST", "/api/v1/app/schedules/d/registrations", map[string]any{"id": key, "type": "interval", "options": map[string]any{"seconds": 60}})
				checkStatus(t, answer, 400)
			}
		},
		"keys of which the path has lost the end": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(indexWith(harness.JobID, "d", "d"))
			app.Register(s.Development(), "app")
			run := openRun(s, app)
			for path, body := range map[string]string{
				"/api/v1/runs/" + run + "/statuses/%s": `{"label":"l"}`, "/api/v2/app/triggers/d/registrations/%s": registration("n", "s"),
			} {
				for _, key := range []string{"a?b", "a?"} { // as the Node SDK writes it
					if answer := s.Development().Do("PUT", fmt.Sprintf(path, key), body); answer.Status != 400 || !strings.Contains(answer.Error(), "%3F") {
						t.Errorf("PUT %s: %d %s", fmt.Sprintf(path, key), answer.Status, answer.Body)
					}
				}
				for _, key := range []string{"a?b", "50%", "a/b", "a//b", "a/", "a#b", "ü ☃"} {
					if strings.Contains(path, "/triggers/") {
						key = strings.ReplaceAll(key, "☃", "ÿ") // the app is handed the key in a header
					}
					s.Development().OK("PUT", fmt.Sprintf(path, url.PathEscape(key)), body, nil)
				}
			}
			for _, key := range []string{"c//d", "c/d/"} { // as the Node SDK writes them
				s.Development().OK("PUT", "/api/v1/runs/"+run+"/statuses/"+key, `{"label":"l"}`, nil)
			}
			var got struct{ Statuses []protocol.ProgressStatus }
			s.Development().OK("GET", "/api/v2/runs/"+run+"/statuses", nil, &got)
			var keys []string
			for _, status := range got.Statuses {
				keys = append(keys, status.Key)
			}
			if got, want := fmt.Sprintf("%q", keys), `["a?b" "50%" "a/b" "a//b" "a/" "a#b" "ü ☃" "c//d" "c/d/"]`; got != want {
				t.Errorf("the statuses are %s, want %s", got, want)
			}
		},
	})
}
