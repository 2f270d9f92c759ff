package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// incompressible returns a text of so many bytes that no database can shorten.
func incompressible(bytes int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	text := make([]byte, bytes)
	for i := range text {
		text[i] = letters[rand.IntN(len(letters))]
	}
	return string(text)
}

func TestTextsThatStandInIndexesAreTakenUpToTheirLimits(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"and refused beyond them": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(`{"jobs":[` + harness.Job(harness.JobID, harness.JobVersion) + `],"sources":[],"dynamicTriggers":[{"id":"dyn","jobs":[]}],"dynamicSchedules":[{"id":"dyn","jobs":[]}]}`)
			app.Register(s.Development(), "app")
			api, run := s.Development(), "/api/v1/runs/"+openRun(s, app)
			task := `{"idempotencyKey":"k","name":"n"}`
			for name, c := range map[string]struct {
				limit        model.Limit
				method, path string
				// body and path have %s for the text, unless it is the idempotency key.
				body  string
				field string
			}{
				"an idempotency key":          {model.LimitEventID, "POST", "/api/v1/jobs/job/invoke", `{}`, "Idempotency-Key"},
				"an account":                  {model.LimitAccountID, "POST", "/api/v1/jobs/job/invoke", `{"options":{"accountId":"%s"}}`, "accountId"},
				"the account of a test":       {model.LimitAccountID, "POST", "/api/runhook/v1/jobs/job/test", `{"options":{"accountId":"%s"}}`, "accountId"},
				"the key of a task":           {model.LimitTaskKey, "POST", run + "/tasks", task, "Idempotency-Key"},
				"the key in a task":           {model.LimitTaskKey, "POST", run + "/tasks", `{"idempotencyKey":"%s","name":"n"}`, "idempotencyKey"},
				"the key of a status":         {model.LimitStatusKey, "PUT", run + "/statuses/%s", `{}`, "status"},
				"the id of an event":          {model.LimitEventID, "POST", "/api/v1/events", `{"event":{"name":"n","id":"%s"}}`, "id"},
				"the name of an event":        {model.LimitEventName, "POST", "/api/v1/events", `{"event":{"name":"%s"}}`, "name"},
				"the source of an event":      {model.LimitEventSource, "POST", "/api/v1/events/bulk", `{"events":[{"name":"n","source":"%s"}]}`, "source"},
				"the account of an event":     {model.LimitAccountID, "POST", "/api/v1/events", `{"event":{"name":"n"},"options":{"accountId":"%s"}}`, "accountId"},
				"the name of a wait":          {model.LimitEventName, "POST", "/api/v1/event-dispatchers/ephemeral", `{"url":"http://127.0.0.1:1/%[1].9s","name":"%[1]s","source":"` + incompressible(1000) + `"}`, "name"},
				"the source of a wait":        {model.LimitEventSource, "POST", "/api/v1/event-dispatchers/ephemeral", `{"url":"http://127.0.0.1:1/%[1].9s","name":"n","source":"%[1]s"}`, "source"},
				"a key of the store":          {model.LimitStoreKey, "PUT", "/api/v1/store/%s", "1", "key"},
				"the id of an app":            {model.LimitEndpointID, "POST", "/api/v1/endpoints", `{"id":"%s","url":"` + app.URL + `"}`, "id"},
				"the key of a schedule":       {model.LimitScheduleKey, "POST", "/api/v1/app/schedules/dyn/registrations", `{"id":"%s","type":"interval","options":{"seconds":60}}`, "id"},
				"the account of a schedule":   {model.LimitAccountID, "POST", "/api/v1/app/schedules/dyn/registrations", `{"id":"a","type":"interval","options":{"seconds":60},"accountId":"%s"}`, "accountId"},
				"the key of a registration":   {model.LimitSourceKey, "PUT", "/api/v2/app/triggers/dyn/registrations/%s", registration("n", "s"), "key"},
				"the event of a rule":         {model.LimitEventName, "PUT", "/api/v2/app/triggers/dyn/registrations/a", registration("%s", incompressible(1000)), "rule.event"},
				"the source of a rule":        {model.LimitEventSource, "PUT", "/api/v2/app/triggers/dyn/registrations/b", registration("n", "%s"), "rule.source"},
				"the event of a registration": {model.LimitEventID, "PUT", "/api/v2/app/triggers/dyn/registrations/c", registration("n", "s"), "Idempotency-Key"},
			} {
				ask := func(bytes int) harness.Answer {
					text := incompressible(bytes)
					fill := func(format string) string {
						if !strings.Contains(format, "%") {
							return format
						}
						return fmt.Sprintf(format, text)
					}
					headers := []string{}
					if c.field == "Idempotency-Key" {
						headers = []string{"Idempotency-Key", text}
					} else if strings.HasSuffix(c.path, "/tasks") {
						headers = []string{"Idempotency-Key", "k"}
					}
					return api.Do(c.method, fill(c.path), fill(c.body), headers...)
				}
				most := c.limit.Bytes
				if c.limit == model.LimitSourceKey {
					most -= len("src") // its source's
				}
				if answer := ask(most); answer.Status != http.StatusOK {
					t.Errorf("%s at the limit was answered %d %.300s", name, answer.Status, answer.Body)
				}
				for _, bytes := range []int{most + 1, 4000} {
					answer := ask(bytes)
					refused := answer.Status == http.StatusBadRequest || strings.HasPrefix(c.path, "/api/v1/events") && answer.Status == http.StatusUnprocessableEntity
					if !refused || !strings.Contains(answer.Error(), c.field) || !strings.Contains(answer.Error(), fmt.Sprint(c.limit.Bytes)) {
						t.Errorf("%s of %d bytes was answered %d %q", name, bytes, answer.Status, answer.Error())
					}
				}
			}
		},
		"but a value with a longer key is read and removed": func(t *testing.T, s *harness.Server, _ *harness.App) {
			key := incompressible(2400)
			for method, want := range map[string]int{"GET": http.StatusOK, "HEAD": http.StatusNotFound, "DELETE": http.StatusOK, "PUT": http.StatusBadRequest} {
				if answer := s.Development().Do(method, "/api/v1/store/"+key, nil); answer.Status != want {
					t.Errorf("%s of a key of %d bytes was answered %d %.200s", method, len(key), answer.Status, answer.Body)
				}
			}
		},
		"in the index of an app": func(t *testing.T, s *harness.Server, app *harness.App) {
			indexOf := func(field, text string) string {
				of := map[string]string{
					"job": "other", "version": "1.0.0", "event": "n", "source": "s", "rule.event": "n", "rule.source": "s", "concurrencyLimit": "g",
					"sources": "k", "dynamicTriggers": "d", "dynamicSchedules": "d", "httpEndpoints": "h",
				}
				of[field] = text
				return fmt.Sprintf(`{"jobs":[{"id":%q,"name":"A job","version":%q,"enabled":true,"startPosition":"latest","preprocessRuns":false,
					"event":{"name":%q,"title":"t","source":%q,"icon":"i"},"trigger":{"type":"static","title":"t","rule":{"event":[%q],"source":%q}},"concurrencyLimit":{"id":%q,"limit":1}}],
					"sources":[{"channel":"HTTP","key":%q,"options":{"event":["e"]},"integration":{"id":"i","metadata":{"id":"i","name":"n"},"authSource":"LOCAL"},"registerSourceJob":{"id":"r","version":"1.0.0"}}],
					"dynamicTriggers":[{"id":%q,"jobs":[]}],"dynamicSchedules":[{"id":%q,"jobs":[]}],"httpEndpoints":[{"id":%q,"source":"s","skipTriggeringRuns":false}]}`,
					of["job"], of["version"], of["event"], of["source"], of["rule.event"], of["rule.source"], of["concurrencyLimit"],
					of["sources"], of["dynamicTriggers"], of["dynamicSchedules"], of["httpEndpoints"])
			}
			for field, limit := range map[string]model.Limit{
				"job": model.LimitJobID, "version": model.LimitJobVersion, "event": model.LimitEventName, "source": model.LimitEventSource,
				"rule.event": model.LimitEventName, "rule.source": model.LimitEventSource, "concurrencyLimit": model.LimitConcurrencyID,
				"sources": model.LimitSourceKey, "dynamicTriggers": model.LimitDynamicID, "dynamicSchedules": model.LimitDynamicID, "httpEndpoints": model.LimitHTTPEndpointKey,
			} {
				text := func(bytes int) string {
					if field == "version" {
						return "1.0." + strings.Repeat("1", bytes-4)
					}
					return incompressible(bytes)
				}
				app.SetIndex(indexOf(field, text(limit.Bytes)))
				if answer := app.Register(s.Development(), "app"); !strings.Contains(string(answer.Body), `"SUCCESS"`) {
					t.Errorf("%s at the limit: %.500s", field, answer.Body)
				}
				app.SetIndex(indexOf(field, text(limit.Bytes+1)))
				want := fmt.Sprintf("expected at most %d bytes, got %d", limit.Bytes, limit.Bytes+1)
				if answer := app.Register(s.Development(), "app"); !strings.Contains(string(answer.Body), `"FAILURE"`) || !strings.Contains(string(answer.Body), want) {
					t.Errorf("%s beyond the limit: %.500s", field, answer.Body)
				}
			}
		},
	})
}

func registration(event, source string) string {
	return `{"rule":{"event":"` + event + `","source":"` + source + `","payload":{}},"source":{"key":"src","channel":"HTTP","options":{"event":["e"]},"integration":{"id":"i","metadata":{"id":"i","name":"n"},"authSource":"LOCAL"}}}`
}
