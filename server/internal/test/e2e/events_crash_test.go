package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// fanoutApp is an app of many jobs that listen for the same event. It remembers which
// runs of which jobs it was asked to execute.
type fanoutApp struct {
	jobs int
	mu   sync.Mutex
	// runs holds, by event and job, the runs.
	runs map[string]map[string][]string
	// begun is given the id of each event whose first run is executed.
	begun chan string
}

func (c *fanoutApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Trigger-Version", protocol.VersionLazyCachedTasks)
	var answer any = object{"ok": true}
	switch protocol.Action(r.Header.Get(protocol.HeaderAction)) {
	case protocol.ActionIndexEndpoint:
		answer = c.index()
	case protocol.ActionExecuteJob:
		var got protocol.ExecuteJob
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			return // the server was killed
		}
		c.executed(got)
		answer = object{"status": "SUCCESS"}
	}
	_ = json.NewEncoder(w).Encode(answer) // a server that was killed is not missed
}

func (c *fanoutApp) executed(got protocol.ExecuteJob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs[got.Event.ID] == nil {
		c.runs[got.Event.ID] = map[string][]string{}
		c.begun <- got.Event.ID
	}
	runs := c.runs[got.Event.ID][got.Job.ID]
	if !slices.Contains(runs, got.Run.ID) {
		c.runs[got.Event.ID][got.Job.ID] = append(runs, got.Run.ID)
	}
}

func (c *fanoutApp) index() object {
	jobs := make([]object, c.jobs)
	for i := range jobs {
		jobs[i] = object{
			"id": fmt.Sprint("job-", i), "name": "Job", "version": "1.0.0", "enabled": true, "startPosition": "latest",
			"preprocessRuns": false, "integrations": object{},
			"event":   object{"name": "shout", "title": "Event", "source": "trigger.dev", "icon": "custom-event"},
			"trigger": object{"type": "static", "title": "shout", "rule": object{"event": "shout", "source": "trigger.dev", "payload": object{}}},
		}
	}
	return object{"jobs": jobs, "sources": []any{}, "dynamicTriggers": []any{}, "dynamicSchedules": []any{}}
}

// The server is killed again and again: as soon as it has accepted an event, or as
// soon as the first run of one is executed, while the others are being started.
func TestADeliveryThatIsKilledStartsEachJobOnce(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			s := &stack{apiKey: "tr_dev_" + rand.Text(), log: &journal{}, app: &app{relay: newRelay(t)}, api: newRelay(t)}
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the end of the server's log:\n%s", s.log)
				}
			})
			s.database = "sqlite:" + filepath.Join(t.TempDir(), "runhook.db")
			if database == "PostgreSQL" {
				s.database = testpostgres.URL(t)
			}
			const events = 4
			c := &fanoutApp{jobs: 600, runs: map[string]map[string][]string{}, begun: make(chan string, events)}
			listening := httptest.NewServer(c)
			t.Cleanup(func() {
				listening.CloseClientConnections()
				listening.Close()
			})
			s.app.relay.passTo(listening.Listener.Addr().String())
			s.startServer(t)
			s.register(t)
			for i := range events {
				if i == events/2 {
					s.wantFanout(t, c, fmt.Sprint("shout-", i-1))
					for range i {
						<-c.begun
					}
				}
				ask(t, "POST", s.api.url+"/api/v1/events", s.apiKey, object{"event": object{"id": fmt.Sprint("shout-", i), "name": "shout"}}, nil)
				if i >= events/2 {
					<-c.begun
				}
				s.server.kill()
				s.startServer(t)
			}
			for i := range events {
				s.wantFanout(t, c, fmt.Sprint("shout-", i))
			}
		})
	}
}

// wantFanout waits until the runs of an event have ended, and checks that there is
// one for each job.
func (s *stack) wantFanout(t *testing.T, c *fanoutApp, event string) {
	t.Helper()
	var got protocol.EventDetails
	s.until(t, "every job has had the event "+event, func() bool {
		ask(t, "GET", s.api.url+"/api/v2/events/"+event, s.apiKey, nil, &got)
		open := slices.ContainsFunc(got.Runs, func(run protocol.EventRun) bool { return !run.Status.Terminal() })
		return len(got.Runs) >= c.jobs && !open
	})
	if len(got.Runs) != c.jobs {
		t.Errorf("event %s has %d runs, want %d", event, len(got.Runs), c.jobs)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.jobs {
		if runs := c.runs[event][fmt.Sprint("job-", i)]; len(runs) != 1 {
			t.Errorf("event %s started job-%d in the runs %v, want one", event, i, runs)
		}
	}
}
