package events_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// waitingRun is a run whose task waits for an event.
type waitingRun struct {
	s    *harness.Server
	id   string
	task protocol.Task
}

// waitForEvent starts a run that waits for an event and then succeeds with it.
// change adjusts what is asked for, if it is not nil.
func waitForEvent(t *testing.T, s *harness.Server, app *harness.App, name string, change object) *waitingRun {
	t.Helper()
	w := &waitingRun{s: s}
	w.id = app.Run(nil, func(x *harness.Execution) harness.Reply {
		w.task = x.Task("wait", harness.Callback(3600))
		body := object{"url": *w.task.CallbackURL, "name": name, "timeoutInSeconds": 3600}
		for member, value := range change {
			body[member] = value
		}
		// The SDK asks again in each execution.
		first, again := askToWait(x.API, body), askToWait(x.API, body)
		if first == "" || first != again {
			t.Errorf("the wait is %q, and %q when it is asked for again", first, again)
		}
		return harness.Resume(w.task)
	}, func(x *harness.Execution) harness.Reply {
		return harness.Success(string(x.API.Run(x.Body.Run.ID).Tasks[0].Output))
	})
	s.Development().WaitRun(w.id, protocol.RunWaitingToContinue)
	return w
}

func askToWait(client *harness.Client, body object) string {
	var asked protocol.WaitingForEvent
	client.OK("POST", "/api/v1/event-dispatchers/ephemeral", body, &asked)
	return asked.ID
}

// event waits until the run has ended and returns the event that it received.
func (w *waitingRun) event(t *testing.T) (got protocol.AwaitedEvent) {
	t.Helper()
	run := w.s.Development().WaitRun(w.id, protocol.RunSuccess)
	if err := json.Unmarshal(run.Output, &got); err != nil {
		t.Errorf("the output of the run is %s: %v", run.Output, err)
	}
	return got
}

func (w *waitingRun) stillWaits(t *testing.T) {
	t.Helper()
	if status := w.s.Development().Run(w.id).Status; status != protocol.RunWaitingToContinue {
		t.Errorf("the run is %s", status)
	}
}

func TestAWaitForAnEvent(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"ends with the event, as it was sent": func(t *testing.T, s *harness.Server, app *harness.App) {
			w := waitForEvent(t, s, app, "paid", nil)
			send(s, object{"id": "paid-1", "name": "paid", "payload": json.RawMessage(`{"n":12345678901234567890}`), "context": object{"c": 1}}, object{"accountId": "customer"})
			got := w.event(t)
			if got.ID != "paid-1" || got.Name != "paid" || got.Source != "trigger.dev" || string(got.Payload) != `{"n":12345678901234567890}` ||
				string(got.Context) != `{"c":1}` || got.AccountID != "customer" || got.Timestamp.IsZero() {
				t.Errorf("the run received %+v", got)
			}
			var log protocol.EventLog
			s.Development().OK("POST", "/api/v1/events/paid-1/cancel", nil, &log)
			if log.DeliveredAt == nil {
				t.Error("the event is not marked as delivered")
			}
		},
		"ends with an event that is delivered later": func(t *testing.T, s *harness.Server, app *harness.App) {
			w := waitForEvent(t, s, app, "later", nil)
			send(s, object{"id": "later-1", "name": "later"}, object{"deliverAfter": 60})
			w.stillWaits(t)
			s.Clock.Advance(time.Minute)
			if got := w.event(t); got.ID != "later-1" || got.AccountID != "" {
				t.Errorf("the run received %+v", got)
			}
		},
		"ends with one event, though more come": func(t *testing.T, s *harness.Server, app *harness.App) {
			w := waitForEvent(t, s, app, "many", nil)
			var logs []protocol.EventLog
			s.Development().OK("POST", "/api/v1/events/bulk", object{"events": []object{{"id": "many-1", "name": "many"}, {"id": "many-2", "name": "many"}}}, &logs)
			if got := w.event(t); got.ID != "many-1" {
				t.Errorf("the run received %+v", got)
			}
			if executions := len(app.Executions(w.id)); executions != 2 {
				t.Errorf("the run was executed %d times", executions)
			}
		},
		"is for one of several names, of a source, that passes both filters": func(t *testing.T, s *harness.Server, app *harness.App) {
			w := waitForEvent(t, s, app, "", object{
				"name": []string{"shipped", "lost"}, "source": "shop", "filter": object{"order": []int{7}}, "contextFilter": object{"region": []string{"eu"}},
			})
			good := object{"name": "lost", "source": "shop", "payload": object{"order": 7}, "context": object{"region": "eu"}}
			changes := object{"name": "found", "source": "trigger.dev", "payload": object{"order": 8}, "context": object{}}
			for member, value := range changes {
				bad := object{}
				for name, value := range good {
					bad[name] = value
				}
				bad[member] = value
				send(s, bad, nil)
			}
			w.stillWaits(t)
			good["id"] = "good"
			send(s, good, nil)
			if got := w.event(t); got.ID != "good" {
				t.Errorf("the run received %+v", got)
			}
		},
		"is beside the jobs and other waits for the event": func(t *testing.T, s *harness.Server, app *harness.App) {
			index(t, s, app, harness.Job(harness.JobID, harness.JobVersion), listener("listens", "1.0.0", on("shared")))
			first, second := waitForEvent(t, s, app, "shared", nil), waitForEvent(t, s, app, "shared", nil)
			send(s, object{"id": "shared-1", "name": "shared"}, nil)
			wantJobs(t, s, app, "shared-1", "listens@1.0.0")
			if a, b := first.event(t), second.event(t); a.ID != "shared-1" || b.ID != "shared-1" {
				t.Errorf("the runs received %+v and %+v", a, b)
			}
		},
		"is over with its time": func(t *testing.T, s *harness.Server, app *harness.App) {
			url, got := listenAt(t)
			id := askToWait(s.Development(), object{"url": url, "name": "over", "timeoutInSeconds": 10})
			s.Clock.Advance(10 * time.Second)
			waitGone(s, url, id)
			send(s, object{"name": "over"}, nil)
			if got := got(); len(got) != 0 {
				t.Errorf("the URL received %+v", got)
			}
		},
		"is gone with its run": func(t *testing.T, s *harness.Server, app *harness.App) {
			w := waitForEvent(t, s, app, "gone", nil)
			s.Development().OK("POST", "/api/v1/runs/"+w.id+"/cancel", nil, nil)
			log := send(s, object{"id": "gone-1", "name": "gone"}, nil)
			var canceled protocol.EventLog
			s.Development().OK("POST", "/api/v1/events/"+log.ID+"/cancel", nil, &canceled)
			if canceled.DeliveredAt != nil {
				t.Error("the event was delivered to a run that had ended")
			}
		},
		"at a URL elsewhere is sent until that answers 2xx, then no more": func(t *testing.T, s *harness.Server, app *harness.App) {
			url, got := listenAt(t, http.StatusInternalServerError, http.StatusNoContent)
			id := askToWait(s.Development(), object{"url": url, "name": "outside"})
			send(s, object{"id": "outside-1", "name": "outside"}, nil)
			send(s, object{"id": "outside-2", "name": "outside"}, nil)
			s.Wait("the first call", func() bool { return len(got()) == 1 })
			s.Wait("the second call", func() bool {
				s.Clock.Advance(2 * time.Second)
				return len(got()) == 2
			})
			waitGone(s, url, id)
			for _, got := range got() {
				if got.ID != "outside-1" {
					t.Errorf("the URL received %+v", got)
				}
			}
		},
	})
}

// waitGone waits until the wait of a URL is there no more, so that asking gives
// another.
func waitGone(s *harness.Server, url, id string) {
	s.Wait("the wait to be gone", func() bool {
		return askToWait(s.Development(), object{"url": url, "name": "never", "timeoutInSeconds": 31536000}) != id
	})
}

// listenAt returns a URL that answers with the statuses, 200 after those, and what it
// received.
func listenAt(t *testing.T, statuses ...int) (url string, got func() []protocol.AwaitedEvent) {
	var mu sync.Mutex
	var events []protocol.AwaitedEvent
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event protocol.AwaitedEvent
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &event)
		}
		if err != nil || r.Method != "POST" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			t.Errorf("the URL got %s %s: %v", r.Method, body, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(events) < len(statuses) {
			w.WriteHeader(statuses[len(events)])
		}
		events = append(events, event)
	}))
	t.Cleanup(web.Close)
	return web.URL, func() []protocol.AwaitedEvent {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(events)
	}
}

func TestManyServersEndEachWaitWithOneEvent(t *testing.T) {
	t.Parallel()
	database, clock := harness.Postgres(t), harness.NewClock()
	servers := make([]*harness.Server, 3)
	for i := range servers {
		servers[i] = harness.Start(t, harness.Options{Database: database, Clock: clock})
	}
	s := servers[0]
	app := harness.NewApp(t, s)
	runs := make([]*waitingRun, 5)
	for i := range runs {
		runs[i] = waitForEvent(t, s, app, "race", nil)
	}
	var senders sync.WaitGroup
	for i := range 12 {
		senders.Go(func() { send(servers[i%len(servers)], object{"id": fmt.Sprint("race-", i), "name": "race"}, nil) })
	}
	senders.Wait()
	for _, run := range runs {
		if got := run.event(t); !strings.HasPrefix(got.ID, "race-") {
			t.Errorf("a run received %+v", got)
		}
		if executions := len(app.Executions(run.id)); executions != 2 {
			t.Errorf("a run was executed %d times", executions)
		}
	}
}

func TestAWaitOfAnotherShapeIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	tests := []struct{ name, body, reason string }{
		{"no URL", `{"name":"n"}`, "url is missing"},
		{"a URL that may not be called", `{"url":"ftp://example.com","name":"n"}`, "url"},
		{"a callback URL that was made up", `{"url":"` + s.URL + `/api/v1/tasks/t/callback/x/y","name":"n","timeoutInSeconds":1}`, "timeoutInSeconds"},
		{"no name", `{"url":"http://127.0.0.1:1"}`, "name is missing"},
		{"an empty list of names", `{"url":"http://127.0.0.1:1","name":[]}`, "name is missing"},
		{"a name that is too long", `{"url":"http://127.0.0.1:1","name":"` + strings.Repeat("n", 1001) + `"}`, "name must have at most"},
		{"a time that is too short", `{"url":"http://127.0.0.1:1","name":"n","timeoutInSeconds":9}`, "timeoutInSeconds must be between 10 and 31536000"},
		{"a time that is too long", `{"url":"http://127.0.0.1:1","name":"n","timeoutInSeconds":31536001}`, "timeoutInSeconds must be between"},
		{"a time with a fraction", `{"url":"http://127.0.0.1:1","name":"n","timeoutInSeconds":10.5}`, "timeoutInSeconds"},
		{"a filter that is none", `{"url":"http://127.0.0.1:1","name":"n","filter":{"a":"x"}}`, "filter"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := s.Development().Do("POST", "/api/v1/event-dispatchers/ephemeral", test.body)
			if answer.Status != http.StatusBadRequest || !strings.Contains(answer.Error(), test.reason) {
				t.Errorf("the answer is %d %s, want 400 and %q", answer.Status, answer.Body, test.reason)
			}
		})
	}
	public := s.As(s.Key(protocol.Development).Public)
	if answer := public.Do("POST", "/api/v1/event-dispatchers/ephemeral", `{}`); answer.Status != http.StatusUnauthorized {
		t.Errorf("a public key is answered %d", answer.Status)
	}
}
