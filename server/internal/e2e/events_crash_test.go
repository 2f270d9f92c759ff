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

// crowd is an app of many jobs that listen for the same event. It remembers which
// runs of which jobs it was asked to execute.
type crowd struct {
	jobs int
	mu   sync.Mutex
	// runs holds, by event and job, the runs.
	runs map[string]map[string][]string
	// begun is given the id of each event whose first run is executed.
	begun chan string
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Trigger-Version", protocol.VersionLazyCachedTasks)
	var answer any = object{"ok": true}
	switch protocol.Action(r.Header.Get(protocol.HeaderAction)) {
	case protocol.ActionIndexEndpoint:
		answer = c.index()
	case protocol.ActionExecuteJob:
		var told protocol.ExecuteJob
		if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
			return // the server was killed
		}
		c.executed(told)
		answer = object{"status": "SUCCESS"}
	}
	_ = json.NewEncoder(w).Encode(answer) // a server that was killed is not missed
}

func (c *crowd) executed(told protocol.ExecuteJob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs[told.Event.ID] == nil {
		c.runs[told.Event.ID] = map[string][]string{}
		c.begun <- told.Event.ID
	}
	runs := c.runs[told.Event.ID][told.Job.ID]
	if !slices.Contains(runs, told.Run.ID) {
		c.runs[told.Event.ID][told.Job.ID] = append(runs, told.Run.ID)
	}
}

func (c *crowd) index() object {
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
			c := &crowd{jobs: 600, runs: map[string]map[string][]string{}, begun: make(chan string, events)}
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
					s.wantCrowd(t, c, fmt.Sprint("shout-", i-1))
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
				s.wantCrowd(t, c, fmt.Sprint("shout-", i))
			}
		})
	}
}

// wantCrowd waits until the runs of an event have ended, and checks that there is
// one for each job.
func (s *stack) wantCrowd(t *testing.T, c *crowd, event string) {
	t.Helper()
	var told protocol.EventDetails
	s.until(t, "every job has had the event "+event, func() bool {
		ask(t, "GET", s.api.url+"/api/v2/events/"+event, s.apiKey, nil, &told)
		open := slices.ContainsFunc(told.Runs, func(run protocol.EventRun) bool { return !run.Status.Terminal() })
		return len(told.Runs) >= c.jobs && !open
	})
	if len(told.Runs) != c.jobs {
		t.Errorf("event %s has %d runs, want %d", event, len(told.Runs), c.jobs)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.jobs {
		if runs := c.runs[event][fmt.Sprint("job-", i)]; len(runs) != 1 {
			t.Errorf("event %s started job-%d in the runs %v, want one", event, i, runs)
		}
	}
}
