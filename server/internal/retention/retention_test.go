package retention_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func keep(payloads, runs string) func(*server.Config) {
	return func(c *server.Config) { c.KeepPayloads, c.KeepRuns = payloads, runs }
}

func TestWhatIsOldLeavesPayloadsFirst(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: keep("DEVELOPMENT=1d", "DEVELOPMENT=3d")})
		app := harness.NewApp(t, s)
		old := app.Run(`{"payload":{"secret":1}}`, func(x *harness.Execution) harness.Reply {
			x.Complete(x.Task("a"), "1")
			return harness.Success(`"made"`)
		})
		s.Development().WaitRun(old, protocol.RunSuccess)
		open := app.Run(nil, func(x *harness.Execution) harness.Reply {
			return harness.Resume(x.Task("ask", harness.Callback(0)))
		})
		s.Development().WaitRun(open, protocol.RunWaitingToContinue)
		details := func(id string) string {
			return string(s.Development().Do("GET", "/api/runhook/v1/runs/"+id, nil).Body)
		}
		if text := details(old); !strings.Contains(text, "secret") || !strings.Contains(text, "made") {
			t.Fatalf("before it is old the run is %s", text)
		}

		s.Clock.Advance(25 * time.Hour)
		s.Wait("the payloads to leave", func() bool {
			text := details(old)
			return strings.Contains(text, `"SUCCESS"`) && strings.Contains(text, `"tasks":[]`) && !strings.Contains(text, "secret") && !strings.Contains(text, "made")
		})
		if answer := s.Development().Do("POST", "/api/runhook/v1/runs/"+old+"/rerun", nil); answer.Status != http.StatusConflict {
			t.Errorf("to run it again answered %d: %s", answer.Status, answer.Body)
		}

		s.Clock.Advance(50 * time.Hour)
		s.Wait("the run to leave", func() bool {
			return s.Development().Do("GET", "/api/runhook/v1/runs/"+old, nil).Status == http.StatusNotFound
		})
		if run := s.Development().Do("GET", "/api/runhook/v1/runs/"+open, nil); !strings.Contains(string(run.Body), `"tasks":[{`) {
			t.Errorf("the run that is open is %s", run.Body)
		}
	})
}

func TestRunsAndEventsLeaveHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: keep("forever", "DEVELOPMENT=1d")})
	app := harness.NewApp(t, s)
	const many = 230 // more than are removed together
	for i := range many {
		s.Development().OK("POST", "/api/v1/events", map[string]any{"event": map[string]any{"name": "no.listener", "id": fmt.Sprint("event-", i)}}, nil)
	}
	for range 3 {
		s.Development().WaitRun(app.Run(nil, harness.Always(harness.Success(""))), protocol.RunSuccess)
	}
	s.Clock.Advance(25 * time.Hour)
	s.Wait("all to leave", func() bool {
		last := s.Development().Do("GET", fmt.Sprint("/api/v2/events/event-", many-1), nil)
		runs := s.Development().Do("GET", "/api/runhook/v1/runs", nil)
		return last.Status == http.StatusNotFound && strings.Contains(string(runs.Body), `"runs":[]`)
	})
}

func TestANotificationOfNoRunLeavesWithThePayloads(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: keep("DEVELOPMENT=1d", "forever")})
	done := harness.NewReceiver(t, s)
	made := s.Development().Subscribe(done.URL, nil)
	done.Trust(receiver.Config{Secrets: []string{made.Secret}})
	s.Development().OK("POST", "/api/runhook/v1/subscriptions/"+made.ID+"/test", nil, nil)
	s.Development().WaitSubscribed(made.ID, 1)
	s.Clock.Advance(25 * time.Hour)
	s.Wait("it to leave", func() bool {
		left, _ := s.Development().Notifications(nil)
		return len(left) == 0
	})
}

func TestProductionKeepsEverythingByDefault(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	production := s.As(s.Key(protocol.Production).Secret)
	for _, environment := range []*harness.Client{production, s.Development()} {
		environment.OK("POST", "/api/v1/events", map[string]any{"event": map[string]any{"name": "no.listener", "id": "old"}}, nil)
	}
	s.Clock.Advance(100 * 24 * time.Hour)
	s.Wait("the event of DEVELOPMENT to leave", func() bool {
		return s.Development().Do("GET", "/api/v2/events/old", nil).Status == http.StatusNotFound
	})
	if answer := production.Do("GET", "/api/v2/events/old", nil); answer.Status != http.StatusOK {
		t.Errorf("PRODUCTION's answered %d", answer.Status)
	}
}

func TestTheSizeOfTheDatabaseIsReported(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		var size struct{ Bytes, ReusableBytes int64 }
		s.Development().OK("GET", "/api/runhook/v1/storage", nil, &size)
		if size.Bytes < 100_000 || size.ReusableBytes > size.Bytes {
			t.Errorf("it is %+v", size)
		}
	})
}
