package server_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// object is a JSON object in a test.
type object = map[string]any

// faults makes calls panic that hold a text: of the action or the path of an outgoing
// request, or of a statement.
type faults struct {
	mu   sync.Mutex
	left map[string]int
}

// meet panics if a fault with the text is left.
func (f *faults) meet(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for fault, left := range f.left {
		if left > 0 && strings.Contains(text, fault) {
			f.left[fault]--
			panic("a fault: " + fault)
		}
	}
}

// unmet returns the faults that were not met as often as they were to be.
func (f *faults) unmet() (unmet []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for fault, left := range f.left {
		if left > 0 {
			unmet = append(unmet, fault)
		}
	}
	return unmet
}

// faultyOutgoing is an outgoing transport with faults.
type faultyOutgoing struct {
	server.Outgoing
	*faults
}

func (o faultyOutgoing) Client(kind protocol.EnvironmentType) *http.Client {
	client := *o.Outgoing.Client(kind)
	client.Transport = faultyTransport{client.Transport, o.faults}
	return &client
}

type faultyTransport struct {
	http.RoundTripper
	*faults
}

func (t faultyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.meet(r.Header.Get(protocol.HeaderAction) + " " + r.URL.Path)
	return t.RoundTripper.RoundTrip(r)
}

// faultyDatabase is a database with faults.
type faultyDatabase struct {
	database.DB
	*faults
}

func (d faultyDatabase) View(ctx context.Context, fn func(database.Conn) error) error {
	return d.DB.View(ctx, func(c database.Conn) error { return fn(faultyConn{c, d.faults}) })
}

func (d faultyDatabase) Update(ctx context.Context, fn func(database.Conn) error) error {
	return d.DB.Update(ctx, func(c database.Conn) error { return fn(faultyConn{c, d.faults}) })
}

type faultyConn struct {
	database.Conn
	*faults
}

func (c faultyConn) Exec(query string, args ...any) (int64, error) {
	c.meet(query)
	return c.Conn.Exec(query, args...)
}

func (c faultyConn) Queue(query string, args []any, check func(int64) error) error {
	c.meet(query)
	return c.Conn.Queue(query, args, check)
}

func (c faultyConn) Query(query string, args ...any) (database.Rows, error) {
	c.meet(query)
	return c.Conn.Query(query, args...)
}

// shop is the index of an app that has a job for each way in.
const shop = `{"jobs":[
	{"id":"job","name":"job","version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},
		"event":{"name":"invoke","title":"t","source":"trigger.dev","icon":"i"},"trigger":{"type":"invoke"}},
	{"id":"listens","name":"listens","version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},
		"event":{"name":"sold","title":"t","source":"trigger.dev","icon":"i"},"trigger":{"type":"static","title":"t","rule":{"event":"sold","source":"trigger.dev","payload":{}}}},
	{"id":"ticks","name":"ticks","version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},
		"event":{"name":"trigger.scheduled","title":"t","source":"trigger.dev","icon":"i"},"trigger":{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":60}}}}],
	"httpEndpoints":[{"id":"hook","version":"1","enabled":true,"icon":"webhook","source":"trigger.dev","event":{"name":"hook","title":"t","source":"trigger.dev","icon":"webhook"}}],
	"webhooks":[{"key":"hook","params":{},"config":{"event":["a"]},"httpEndpoint":{"id":"hook"},
		"integration":{"id":"fake","metadata":{"id":"fake","name":"Fake"},"authSource":"LOCAL"}}],
	"sources":[],"dynamicTriggers":[],"dynamicSchedules":[]}`

func TestAPanicInTheWorkOnARowEndsThatWorkAndNothingElse(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, url string) {
		var text lines
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelError}))
		faults := &faults{left: map[string]int{}}
		s := harness.Start(t, harness.Options{Database: url, Adjust: withFaults(faults, log)})
		faults.set("INDEX_ENDPOINT")
		app := harness.NewUnregisteredApp(t, s)
		app.SetIndex(shop)
		app.Register(s.Development(), "app")
		var listed struct {
			HTTPEndpoints []struct{ URL string } `json:"httpEndpoints"`
		}
		s.Wait("the index", func() bool {
			s.Clock.Advance(time.Second)
			s.Development().OK("GET", "/api/runhook/v1/http-endpoints", nil, &listed)
			return len(listed.HTTPEndpoints) == 1
		})
		taken := make(chan bool, 1)
		app.Handle(protocol.ActionDeliverWebhook, func(http.Header, []byte) harness.Reply {
			taken <- true
			return harness.JSON(`{"response":{"status":200},"verified":true}`)
		})
		s.Development().OK("PUT", "/api/v1/webhooks/hook", object{"active": true, "config": object{"event": []string{"a"}}}, nil)
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`"fetched"`)) }))
		t.Cleanup(site.Close)
		done := harness.NewReceiver(t, s)

		faults.set("EXECUTE_JOB", "DELIVER_WEBHOOK_REQUEST", " /fetched", " /done", // in the work on a row
			"UPDATE events SET lease_owner = NULL", "UPDATE schedules SET last_tick_at", // in the transaction of its outcome
			"FROM tasks WHERE due_at IS NOT NULL AND due_at <=", "AND expires_at <= $1", "FROM event_waits WHERE due_at IS NOT NULL", // in a claim
			" OFFSET $2", "FROM runs\n\t\tWHERE environment_id = $1 AND (created_at > $2", "AS leased_table", // in the background
			"SELECT (SELECT COUNT(*) FROM events WHERE set_aside_at") // in a request
		if url != harness.Memory {
			faults.set("UPDATE nodes SET")
		}
		fetches := func(x *harness.Execution) harness.Reply {
			task := x.Task("fetch", func(c *protocol.CreateTask) {
				c.Operation, c.Params = "fetch", json.RawMessage(`{"url":"`+site.URL+`/fetched"}`)
			})
			if task.Status != protocol.TaskCompleted {
				return harness.Resume(task)
			}
			return harness.Success("1")
		}
		id := app.Run(object{"options": object{"callbackUrl": done.URL}}, fetches, fetches, fetches)
		sent := s.Development()
		sent.OK("POST", "/api/v1/events", object{"event": object{"name": "sold", "id": "sold"}, "options": object{"deliverAfter": 30}}, nil)
		response, err := http.Post(listed.HTTPEndpoints[0].URL, "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if answer := sent.Do("GET", "/api/runhook/v1/doctor", nil); answer.Status != 500 {
			t.Errorf("a request whose handler panicked was answered with %d", answer.Status)
		}
		advance := func(what string, done func() bool) {
			t.Helper()
			s.Wait(what, func() bool {
				s.Clock.Advance(10 * time.Second)
				return done()
			})
		}
		advance("the run to end", func() bool { return sent.Run(id).Status == protocol.RunSuccess })
		advance("the webhook", func() bool { return len(done.Delivered()) == 1 })
		advance("the request", func() bool { return len(taken) == 1 })
		advance("the other faults", func() bool { return len(faults.unmet()) == 0 })
		for _, job := range []string{"listens", "ticks"} {
			advance("a run of "+job, func() bool {
				var page struct{ Runs []struct{ ID string } }
				sent.OK("GET", "/api/runhook/v1/runs?job="+job+"", nil, &page)
				return len(page.Runs) > 0
			})
		}
		if logged := strings.Join(text.take(), "\n"); !strings.Contains(logged, "run="+id) || !strings.Contains(logged, "stack=") || !strings.Contains(logged, "panic_test.go") {
			t.Errorf("the log is\n%s", logged)
		}
		sent.OK("GET", "/api/runhook/v1/doctor", nil, nil)
	})
}

func (f *faults) set(texts ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, text := range texts {
		f.left[text] = 1
	}
}

func withFaults(faults *faults, log *slog.Logger) func(*server.Config) {
	return func(c *server.Config) {
		c.Log, c.KeepRuns, c.DevSchedules = log, "DEVELOPMENT=90d", true
		c.WrapDatabase = func(db database.DB) database.DB { return faultyDatabase{db, faults} }
		c.Outgoing = faultyOutgoing{egress.New(egress.Config{}), faults}
	}
}

func TestARowThatKeepsEndingItsWorkerIsSetAsideUntilItIsReleased(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, url string) {
		var text lines
		log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelError}))
		faults := &faults{left: map[string]int{}}
		s := harness.Start(t, harness.Options{Database: url, Adjust: withFaults(faults, log)})
		app, done, c := harness.NewApp(t, s), harness.NewReceiver(t, s), s.Development()
		type row struct{ Kind, ID, Error string }
		setAside := func() []row {
			var answer struct{ SetAside []row }
			c.OK("GET", "/api/runhook/v1/set-aside", nil, &answer)
			return answer.SetAside
		}
		poison := func(fault string) row {
			t.Helper()
			faults.mu.Lock()
			faults.left[fault] = 5
			faults.mu.Unlock()
			id := app.Run(object{"options": object{"callbackUrl": done.URL}}, harness.Always(harness.Success("1")))
			s.Wait("a row to be set aside", func() bool {
				s.Clock.Advance(time.Second)
				return len(setAside()) == 1
			})
			aside := setAside()[0]
			if aside.Error == "" || len(faults.unmet()) > 0 || aside.Kind == "runs" && aside.ID != id {
				t.Errorf("set aside is %+v", aside)
			}
			logged := ""
			s.Wait("the log to name it", func() bool {
				logged += strings.Join(text.take(), "\n")
				return strings.Contains(logged, "set aside as poison") && strings.Contains(logged, aside.ID)
			})
			var checkup struct{ Problems, SetAside int }
			c.OK("GET", "/api/runhook/v1/doctor", nil, &checkup)
			if checkup.SetAside != 1 || checkup.Problems != 0 {
				t.Errorf("the check of the database says %+v", checkup)
			}
			return aside
		}
		for i, fault := range []string{"EXECUTE_JOB", " /done"} {
			aside := poison(fault)
			c.OK("POST", "/api/runhook/v1/set-aside/"+aside.Kind+"/"+aside.ID+"/release", nil, nil)
			s.Wait("the webhook", func() bool {
				s.Clock.Advance(time.Second)
				return len(done.Delivered()) == i+1
			})
			if answer := c.Do("POST", "/api/runhook/v1/set-aside/"+aside.Kind+"/"+aside.ID+"/release", nil); answer.Status != 404 {
				t.Errorf("a row that is not set aside is released with %d", answer.Status)
			}
		}
		aside := poison("EXECUTE_JOB")
		c.OK("POST", "/api/v1/runs/"+aside.ID+"/cancel", nil, nil)
		s.Wait("the webhook of the canceled run", func() bool {
			s.Clock.Advance(time.Second)
			return len(done.Delivered()) == 3 && len(setAside()) == 0
		})
	})
}
