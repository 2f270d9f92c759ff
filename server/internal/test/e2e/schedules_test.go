package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// develop attaches to the app, as runhook dev does, until the test ends: only so do
// its schedules tick in DEVELOPMENT.
func (s *stack) develop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	// Not through the relay, which passes an answer on when it has ended.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+*s.api.target.Load()+"/api/runhook/v1/live?endpoint=e2e-app", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.apiKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = response.Body.Close()
	})
	if response.StatusCode != http.StatusOK {
		t.Fatalf("attaching answered %d", response.StatusCode)
	}
}

// tickContext is what a run returned of the tick that started it.
type tickContext struct {
	IsDate, IsLater bool
	Event, Account  string
	Source          struct {
		ID       string
		Metadata struct{ Customer string }
	}
}

func (s *stack) tick(t *testing.T, job, customer string) (got tickContext) {
	t.Helper()
	decode(t, s.app.value(t, "tick of "+job+" for "+customer), &got)
	if !got.IsDate || !got.IsLater || got.Event != "dev.trigger.scheduled" {
		t.Errorf("a run of %s returned %+v", job, got)
	}
	return got
}

// secondly ticks each second.
func secondly(customer string) object {
	return object{"type": "cron", "options": object{"cron": "* * * * * *"}, "accountId": customer, "metadata": object{"customer": customer}}
}

var scheduleScenarios = []scenario{
	{"a job ticks by its cron expression", func(t *testing.T, s *stack) {
		s.develop(t)
		if got := s.tick(t, "ticks-by-cron", ""); got.Source.ID == "" || got.Account != "" {
			t.Errorf("a run returned %+v", got)
		}
	}},
	{"a job with an interval is to tick", func(t *testing.T, s *stack) {
		s.develop(t)
		var page struct {
			Schedules []struct {
				Schedule protocol.Schedule
				Active   bool
			}
		}
		ask(t, "GET", s.api.url+"/api/runhook/v1/schedules?job=ticks-by-interval", s.apiKey, nil, &page)
		if len(page.Schedules) != 1 || page.Schedules[0].Schedule.Options.Seconds != 20 || !page.Schedules[0].Active {
			t.Errorf("the list has %+v", page.Schedules)
		}
	}},
	{"the client registers and unregisters a schedule", func(t *testing.T, s *stack) {
		s.develop(t)
		var registered protocol.RegisteredSchedule
		s.app.mustClient(t, &registered, "registerSchedule", "customers", "a/b %", secondly("of the client"))
		if registered.ID != "a/b %" || !registered.Active || registered.Schedule.Options.Cron != "* * * * * *" {
			t.Errorf("registerSchedule returned %+v", registered)
		}
		got := s.tick(t, "ticks-for-customers", "of the client")
		if got.Source.ID != "a/b %" || got.Account != "of the client" {
			t.Errorf("a run returned %+v", got)
		}
		var unregistered struct{ OK bool }
		s.app.mustClient(t, &unregistered, "unregisterSchedule", "customers", "a/b %")
		if !unregistered.OK {
			t.Error("it was not unregistered")
		}
	}},
	{"a run registers and unregisters a schedule", func(t *testing.T, s *stack) {
		s.develop(t)
		n := s.run(t, "registers-schedules", object{"customer": "of a run"})
		if !wantStatus(t, n, protocol.RunSuccess) {
			return
		}
		var did struct {
			Registered   protocol.RegisteredSchedule
			Unregistered struct{ OK bool }
		}
		if err := json.Unmarshal(n.Output, &did); err != nil {
			t.Fatal(err)
		}
		if !did.Registered.Active || did.Registered.ID != "key/of of a run" || !did.Unregistered.OK {
			t.Errorf("the run did %s", n.Output)
		}
		if got := s.tick(t, "ticks-for-customers", "of a run"); got.Source.ID != "key/of of a run" || got.Account != "of a run" {
			t.Errorf("a run returned %+v", got)
		}
	}},
}
