package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// nested returns JSON of a depth.
func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

func nestedObject(depth int) string {
	return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
}

func TestJSONIsNestedAsDeeplyAsIsDocumentedAndNoMore(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"in what callers send": func(t *testing.T, s *harness.Server, app *harness.App) {
			wait := func(key string) harness.Step {
				return func(x *harness.Execution) harness.Reply {
					return harness.Resume(x.Task(key, harness.Callback(0)))
				}
			}
			run := app.Run(nil, wait("first"), wait("for ever"))
			s.Development().WaitRun(run, protocol.RunWaitingToContinue)
			task := s.Development().Run(run).Tasks[0].ID
			done := s.Development().CreateTask(run, protocol.CreateTask{IdempotencyKey: "done"}).ID
			hook := *s.Development().CreateTask(run, protocol.CreateTask{IdempotencyKey: "hook", Callback: &protocol.Callback{Enabled: true}}).CallbackURL
			app.SetIndex(`{"jobs":[` + harness.Job(harness.JobID, harness.JobVersion) + `],"sources":[],"dynamicTriggers":[{"id":"deep","jobs":[]}],"dynamicSchedules":[{"id":"deep","jobs":[]}]}`)
			app.Register(s.Development(), "app")
			tasks := "POST /api/v1/runs/" + run + "/tasks"
			for _, c := range []struct{ route, body, names string }{
				{"POST /api/v1/jobs/job/invoke", `{"payload":%s}`, "payload"},
				{"POST /api/v1/jobs/job/invoke", `{"context":%s}`, "context"},
				{"POST /api/runhook/v1/jobs/job/test", `{"payload":%s}`, "payload"},
				{"POST /api/v1/events", `{"event":{"name":"deep","payload":%s}}`, "event.payload"},
				{"POST /api/v1/events", `{"event":{"name":"deep","context":%s}}`, "event.context"},
				{"POST /api/v1/events/bulk", `{"events":[{"name":"a"},{"name":"deep","payload":%s}]}`, "events.1.payload"},
				{tasks, `{"idempotencyKey":"k","params":%s}`, "params"},
				{tasks + "/" + task + "/complete", `{"output":%s}`, "output"},
				{tasks + "/" + done + "/fail", `{"error":{"message":"m","cause":%s}}`, "error"},
				{"POST " + hook[len(s.URL):], `%s`, "it"},
				{"PUT /api/v1/store/deep", `%s`, "it"},
				{"POST /api/v1/runs/" + run + "/logs", `{"level":"INFO","message":"m","data":%s}`, "data"},
				{"POST /api/v1/endpoints/app/index", `{"data":%s}`, "data"},
			} {
				method, path, _ := strings.Cut(c.route, " ")
				headers := []string{protocol.HeaderIdempotencyKey, c.route + c.body}
				for depth, refused := range map[int]bool{513: true, 9_999: true, 20_000: true} {
					answer := s.Development().Do(method, path, fmt.Sprintf(c.body, nested(depth)), headers...)
					if answer.Status != http.StatusBadRequest || !strings.Contains(answer.Error(), "more than 512 levels") || !strings.Contains(answer.Error(), c.names) != !refused {
						t.Errorf("%s with %d levels answered %d: %.300s", c.route, depth, answer.Status, answer.Body)
					}
				}
				most := 512 - strings.Count(c.body, "message\":\"m\",\"cause") // within the error
				if answer := s.Development().Do(method, path, fmt.Sprintf(c.body, nested(most)), headers...); answer.Status != http.StatusOK {
					t.Errorf("%s with %d levels answered %d: %.300s", c.route, most, answer.Status, answer.Body)
				}
			}
			deepOutput := `{"output":"` + nested(513) + `"}`
			answer := s.Development().Do("POST", tasks[5:]+"/"+task+"/complete", deepOutput, protocol.HeaderVersion, protocol.VersionSerializedOutput)
			checkStatus(t, answer, http.StatusBadRequest)
			for route, body := range map[string]string{
				"PUT /api/v1/runs/" + run + "/statuses/deep":     `{"data":` + nestedObject(513) + `}`,
				"POST /api/runhook/v1/subscriptions":             `{"url":"http://127.0.0.1:9/","filter":` + nestedObject(513) + `}`,
				"POST /api/v1/event-dispatchers/ephemeral":       `{"url":"http://127.0.0.1:9/","name":"n","filter":` + nestedObject(513) + `}`,
				"POST /api/v1/app/schedules/deep/registrations":  `{"id":"i","type":"interval","options":{"seconds":60},"metadata":` + nestedObject(513) + `}`,
				"PUT /api/v2/app/triggers/deep/registrations/k":  `{"rule":{"event":"e","source":"s","payload":` + nestedObject(513) + `},"source":{"key":"k","channel":"HTTP","options":{"event":["e"]},"params":{}}}`,
				"PUT /api/v2/app/triggers/deep/registrations/k2": `{"rule":{"event":"e","source":"s"},"source":{"key":"k","channel":"HTTP","options":{"event":["e"]},"params":` + nestedObject(513) + `}}`,
				"POST /api/v1/events":                            nested(700),
			} {
				method, path, _ := strings.Cut(route, " ")
				answer := s.Development().Do(method, path, body)
				if answer.Status != http.StatusBadRequest || !strings.Contains(answer.Error(), "more than 512 levels") {
					t.Errorf("%s answered %d: %.300s", route, answer.Status, answer.Body)
				}
			}
		},
		"in what apps answer": func(t *testing.T, s *harness.Server, app *harness.App) {
			for _, depth := range []int{513, 9_999, 20_000} {
				run := app.End(nil, harness.Always(harness.Success(nested(depth))))
				if run.Status != protocol.RunFailure || run.ExecutionCount != 1 || !strings.Contains(string(run.Error), "more than 512 levels") {
					t.Errorf("an output of %d levels: %s after %d executions: %.300s", depth, run.Status, run.ExecutionCount, run.Error)
				}
			}
			app.SetIndex(strings.Replace(harness.Index(harness.Job("other", "1.0.0")), `"integrations":{}`, `"integrations":`+nestedObject(513), 1))
			answer := s.Development().Do("POST", "/api/v1/endpoints/app/index", `{}`)
			if answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), `"status":"FAILURE"`) || !strings.Contains(string(answer.Body), "more than 512 levels") {
				t.Errorf("an index answered %d: %.500s", answer.Status, answer.Body)
			}
			app.SetIndex(harness.Index(harness.Job(harness.JobID, harness.JobVersion)))
			app.Register(s.Development(), "app")
		},
		"in what others send to an app": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(`{"jobs":[` + harness.Job(harness.JobID, harness.JobVersion) + `],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[],
				"httpEndpoints":[{"id":"door","version":"1.0.0","enabled":true,"event":{"name":"door","title":"Door","source":"shop","icon":"webhook"},"source":"shop"}]}`)
			app.Register(s.Development(), "app")
			var response struct{ HTTPEndpoints []struct{ URL string } }
			s.Development().OK("GET", "/api/runhook/v1/http-endpoints", nil, &response)
			address, err := url.Parse(response.HTTPEndpoints[0].URL)
			if err != nil {
				t.Fatal(err)
			}
			for body, status := range map[string]int{nested(512): 200, nested(513): 400, "\ufeff " + nested(20_000): 400, "text " + nested(600): 200} {
				if answer := s.As("").Do("POST", address.Path, body); answer.Status != status {
					t.Errorf("%.20s answered %d, want %d: %.300s", body, answer.Status, status, answer.Body)
				}
			}
		},
		"and all that is accepted can be read": func(t *testing.T, s *harness.Server, app *harness.App) {
			receiver := harness.NewReceiver(t, s)
			deep := nested(512)
			run := app.Run(`{"payload":`+deep+`,"options":{"callbackUrl":"`+receiver.URL+`"}}`, harness.Always(harness.Success(deep)))
			if got := receiver.WaitFor(1).Notification; string(got.Output) != deep || string(got.Invocation.Payload) != deep {
				t.Errorf("the webhook has %.40s and %.40s", got.Output, got.Invocation.Payload)
			}
			for _, path := range []string{"/api/runhook/v1/runs/" + run, "/api/v2/runs/" + run, "/api/runhook/v1/notifications/feed?limit=50"} {
				if answer := s.Development().Do("GET", path, nil); answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), deep) {
					t.Errorf("%s answered %d: %.300s", path, answer.Status, answer.Body)
				}
			}
		},
	})
}

// A version before accepted payloads of nearly 10,000 levels, which what is around
// them in a notification takes beyond what can be decoded.
func TestRowsThatAreNestedTooDeeplyDoNotKeepOthersFromBeingRead(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]string{"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "runhook.db"), "PostgreSQL": harness.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, harness.Options{Database: database})
			app := harness.NewApp(t, s)
			receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			defer receiver.Close()
			s.Development().Subscribe(receiver.URL, harness.Fields{})
			s.Development().Subscribe(receiver.URL, harness.Fields{"filter": harness.Fields{"ok": []bool{true}}})
			old := app.Run(`{"payload":"old"}`, harness.Always(harness.Success(`"old"`)))
			s.Development().WaitRun(old, protocol.RunSuccess)
			after := app.Run(`{"payload":"new"}`, harness.Always(harness.Success(`"new"`)))
			s.Development().WaitRun(after, protocol.RunSuccess)
			waiting := openRun(s, app)
			s.Stop()
			deep := nested(9_999)
			harness.ChangeRows(t, database,
				`UPDATE events SET payload = '`+deep+`' WHERE payload = '"old"'`,
				`UPDATE runs SET output = '`+deep+`' WHERE id = '`+old+`'`,
				`UPDATE notification_bodies SET body = REPLACE(body, '"old"', '`+deep+`') WHERE body LIKE '%"old"%'`,
				`UPDATE events SET payload = '`+deep+`' WHERE id = (SELECT event_id FROM runs WHERE id = '`+waiting+`')`,
			)
			again := harness.Start(t, harness.Options{Database: database, Clock: s.Clock})
			app.Move(again)
			client := again.Development()
			readDeepRows(t, client, old, after)
			follow(t, again, 4)
			// A run whose event is so ends like others.
			checkStatus(t, client.Do("POST", "/api/v1/runs/"+waiting+"/cancel", nil), 200)
			if run := client.WaitRun(waiting, protocol.RunCanceled); run.Status != protocol.RunCanceled {
				t.Errorf("it is %s", run.Status)
			}
		})
	}
}

func readDeepRows(t *testing.T, client *harness.Client, old, after string) {
	t.Helper()
	feed := client.Do("GET", "/api/runhook/v1/notifications/feed?limit=50", nil)
	var page struct {
		Items []struct {
			ID, RunID, Body string
			Payload         struct{ ID, Unreadable string }
		}
	}
	client.OK("GET", "/api/runhook/v1/notifications/feed?limit=50", nil, &page)
	if len(page.Items) != 4 {
		t.Fatalf("the feed has %d items: %.300s", len(page.Items), feed.Body)
	}
	for _, item := range page.Items {
		if deep := item.RunID == old; item.ID == "" || item.Body == "" || deep != (item.Payload.Unreadable != "") || !deep && item.Payload.ID != after {
			t.Errorf("the item %s of run %s has the payload %+v and %d bytes", item.ID, item.RunID, item.Payload, len(item.Body))
		}
		var one struct{ ID, Body string }
		if client.OK("GET", "/api/runhook/v1/notifications/"+item.ID, nil, &one); one.ID != item.ID || one.Body != item.Body {
			t.Errorf("asked for by itself it is %s", one.ID)
		}
	}
	var run struct {
		ID    string
		Event struct{ Payload struct{ Unreadable string } }
	}
	if client.OK("GET", "/api/runhook/v1/runs/"+old, nil, &run); run.ID != old || run.Event.Payload.Unreadable == "" {
		t.Errorf("the run is %+v", run)
	}
	for _, path := range []string{"/api/runhook/v1/runs", "/api/runhook/v1/events", "/api/runhook/v1/notifications", "/api/v1/jobs/job/runs"} {
		checkStatus(t, client.Do("GET", path, nil), 200)
	}
}

// follow reads items of the feed as a stream, from its beginning.
func follow(t *testing.T, s *harness.Server, items int) {
	t.Helper()
	lines := openStream(t, s, s.Key(protocol.Development).Secret, "/api/runhook/v1/notifications/feed?after=0")
	for seen := 0; seen < items; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended after %d items: %v", seen, err)
		}
		if strings.HasPrefix(line, "data: {\"cursor\"") {
			seen++
		}
	}
}
