package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// publicKey returns the public key of the stack's environment.
func (s *stack) publicKey(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), path, "keys", "--db="+s.database)
	command.Env = cleanEnvironment()
	output, err := command.CombinedOutput()
	found := regexp.MustCompile(`pk_dev_\w+`).Find(output)
	if err != nil || found == nil {
		t.Fatalf("runhook keys: %v\n%s", err, output)
	}
	return string(found)
}

// requests returns how often a page asked for each path, and how often it was answered
// that there is nothing there.
func (s *stack) requests() (all, notFound map[string]int) {
	all, notFound = map[string]int{}, map[string]int{}
	for _, e := range s.api.recorded() {
		if e.method != http.MethodGet {
			continue
		}
		all[e.path]++
		if e.status == http.StatusNotFound {
			notFound[e.path]++
		}
	}
	return all, notFound
}

// hold starts a run that lasts until letEnd, and returns its id.
func (s *stack) hold(t *testing.T, name string) string {
	t.Helper()
	return s.invoke(t, "held", invocation{payload: object{"name": name}})
}

// sendHold sends an event that starts such a run. Its id is the name.
func (s *stack) sendHold(t *testing.T, name string) string {
	t.Helper()
	s.app.mustClient(t, nil, "sendEvent", object{"id": name, "name": "held", "payload": object{"name": name}}, object{})
	return name
}

// letEnd ends a run.
func (s *stack) letEnd(t *testing.T, name string, status protocol.RunStatus) {
	t.Helper()
	s.app.put(t, "end "+name, status)
}

func TestThePublishedReactHooksInABrowser(t *testing.T) {
	t.Parallel()
	for version, database := range map[string]string{"2.3.18": "PostgreSQL", "2.3.19": "SQLite"} {
		t.Run(version+" on "+database, func(t *testing.T) {
			t.Parallel()
			useHooks(t, version, database)
		})
	}
}

// useHooks has each hook of a version show runs until they end.
func useHooks(t *testing.T, version, database string) {
	t.Helper()
	s := newStack(t, version, database)
	s.app.mustClient(t, nil, "sendEvent", object{"id": "unheard", "name": "unheard"}, object{})
	panels := []panel{
		{Name: "details", Hook: "useEventDetails", ID: s.sendHold(t, "details")},
		{Name: "event-run", Hook: "useEventRunDetails", ID: s.sendHold(t, "event-run"), Options: object{"take": 10, "subtasks": true}},
		{Name: "event-statuses", Hook: "useEventRunStatuses", ID: s.sendHold(t, "event-statuses")},
		{Name: "run", Hook: "useRunDetails", ID: s.hold(t, "run"), Options: object{"refreshIntervalMs": 500}},
		{Name: "statuses", Hook: "useRunStatuses", ID: s.hold(t, "statuses")},
		{Name: "later", Hook: "useEventDetails", ID: "later"},
		{Name: "FAILURE", Hook: "useRunDetails", ID: s.hold(t, "FAILURE")},
		{Name: "CANCELED", Hook: "useRunDetails", ID: s.hold(t, "CANCELED")},
		{Name: "TIMED_OUT", Hook: "useRunDetails", ID: s.invoke(t, "hooks-timed-out", invocation{})},
		{Name: "ABORTED", Hook: "useRunDetails", ID: s.hold(t, "ABORTED")},
		// Nothing ever starts a run for it, so that it is asked for each second.
		{Name: "metronome", Hook: "useEventDetails", ID: "unheard"},
	}
	p := openPage(t, version, s.api.url, s.publicKey(t), panels)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page has shown\n%s", p)
		}
	})

	// While the runs last, and one event has not been sent.
	for _, name := range []string{"details", "event-run", "event-statuses", "run", "statuses", "FAILURE", "CANCELED", "ABORTED"} {
		s.awaitPanel(t, p, name, "EXECUTING")
	}
	s.until(t, "the page has asked for the event that was not sent", func() bool {
		_, notFound := s.requests()
		return notFound["/api/v2/events/later"] > 0
	})
	s.sendHold(t, "later")

	for _, name := range []string{"details", "event-run", "event-statuses", "run", "statuses", "later"} {
		s.letEnd(t, name, protocol.RunSuccess)
		s.awaitPanel(t, p, name, "SUCCESS")
	}
	for _, name := range []string{"event-run", "run"} {
		s.wantShown(t, p, name, func(seen shows) bool {
			var run protocol.Run
			return json.Unmarshal(seen.Data, &run) == nil && string(run.Output) == `{"name":"`+name+`"}` && len(run.Tasks) > 0 &&
				len(run.Progress) == 1 && run.Progress[0].Label == "Done"
		})
	}
	for _, name := range []string{"event-statuses", "statuses"} {
		s.wantShown(t, p, name, func(seen shows) bool {
			var statuses []protocol.ProgressStatus
			return json.Unmarshal(seen.Statuses, &statuses) == nil && len(statuses) == 1 && statuses[0].State == "success" &&
				string(statuses[0].Data) == `{"name":"`+name+`"}` && len(statuses[0].History) == 1
		})
	}
	s.wantEveryTerminalStatus(t, p, panels)
	s.wantPollingToEnd(t)
}

// wantEveryTerminalStatus ends runs in the other ways that the hooks know.
func (s *stack) wantEveryTerminalStatus(t *testing.T, p *page, panels []panel) {
	t.Helper()
	s.letEnd(t, "FAILURE", protocol.RunFailure)
	for _, panel := range panels {
		if panel.Name == "CANCELED" {
			s.app.mustClient(t, nil, "cancelRun", panel.ID)
		}
	}
	for _, status := range []string{"FAILURE", "CANCELED", "TIMED_OUT"} {
		s.awaitPanel(t, p, status, status)
	}
	// This aborts what is left, so it comes last.
	ask(t, "DELETE", s.api.url+"/api/runhook/v1/endpoints/e2e-app", s.apiKey, nil, nil)
	s.awaitPanel(t, p, "ABORTED", "ABORTED")
	for _, name := range []string{"FAILURE", "CANCELED", "ABORTED"} {
		s.letEnd(t, name, protocol.RunFailure)
	}
}

// wantPollingToEnd waits until the page has asked for nothing but the metronome
// while that was asked for some times.
func (s *stack) wantPollingToEnd(t *testing.T) {
	t.Helper()
	const metronome, ticks = "/api/v2/events/unheard", 4
	before, _ := s.requests()
	s.until(t, "the page no longer asks for runs that have ended", func() bool {
		now, _ := s.requests()
		if now[metronome] < before[metronome]+ticks {
			return false
		}
		previous := maps.Clone(before)
		before = maps.Clone(now)
		delete(previous, metronome)
		delete(now, metronome)
		return maps.Equal(previous, now)
	})
}

// awaitPanel waits until a panel shows a run with a status.
func (s *stack) awaitPanel(t *testing.T, p *page, name, status string) {
	t.Helper()
	s.until(t, "the panel "+name+" shows a run that is "+status, func() bool {
		return p.hasShown(name, func(seen shows) bool {
			var event protocol.EventDetails
			var run struct{ Status string }
			if json.Unmarshal(seen.Data, &event) == nil && len(event.Runs) == 1 && string(event.Runs[0].Status) == status {
				return event.ID == name
			}
			for _, raw := range []json.RawMessage{seen.Data, seen.Run} {
				if json.Unmarshal(raw, &run) == nil && run.Status == status {
					return true
				}
			}
			return false
		})
	})
}

// wantShown checks that a panel has shown something.
func (s *stack) wantShown(t *testing.T, p *page, name string, is func(shows) bool) {
	t.Helper()
	if !p.hasShown(name, is) {
		t.Errorf("the panel %s has not shown what it should", name)
	}
}
