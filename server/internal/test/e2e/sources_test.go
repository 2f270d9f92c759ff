package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/runhook/runhook/protocol"
)

// trackerRegistration is what the app has registered with the external service of its tests.
type trackerRegistration struct {
	URL, Secret string
	Active      bool
	Events      []string
	Account     json.RawMessage
}

func (s *stack) registration(t *testing.T, project string) (r trackerRegistration) {
	t.Helper()
	decode(t, s.app.value(t, "registration "+project), &r)
	return r
}

// deliver has the external service send an issue.
func (r trackerRegistration) deliver(t *testing.T, id, secret string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"?q=1", bytes.NewBufferString(`{"id":"`+id+`","title":"ü 😀"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Signature", secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the external service was answered %d", response.StatusCode)
	}
}

var sourceScenarios = []scenario{
	{"a dynamic trigger starts its jobs for what is registered with it", func(t *testing.T, s *stack) {
		for _, project := range []string{"blue", "red"} {
			n := s.run(t, "registers-a-trigger", object{"key": "team/" + project, "project": project, "accountId": "of " + project})
			wantStatus(t, n, "SUCCESS")
		}
		blue := s.registration(t, "blue")
		if blue.Active || len(blue.Events) != 1 || blue.Events[0] != "issue" {
			t.Errorf("the app was asked to register %+v", blue)
		}
		wantJSON(t, "the account of the registration", blue.Account, `{"id":"of blue"}`)
		s.untilRegistered(t, "register-dynamic-trigger-issues", 2)
		blue.deliver(t, "forged", "no secret")
		blue.deliver(t, "blue 1", blue.Secret)
		blue.deliver(t, "blue 2", blue.Secret)
		for i, id := range []string{"blue 1", "blue 2"} {
			metadata := `{"last":"blue 1","before":null,"kept":{"hook":7}}`
			if i == 1 {
				metadata = `{"last":"blue 2","before":` + metadata + `,"kept":{"hook":7}}`
			}
			s.untilIssue(t, id)
			runs := s.endedRuns(t, id, 2)
			for _, job := range []string{"dynamic-one", "dynamic-two"} {
				wantEventInput(t, runs, job, object{
					"payload": object{"project": "blue", "id": id, "title": "ü 😀"}, "account": object{"id": "of blue"},
					"source": object{"id": "team/blue", "metadata": json.RawMessage(metadata)},
				})
			}
		}
	}},
	{"a source that the index lists is registered, and starts its job", func(t *testing.T, s *stack) {
		static := s.registration(t, "static")
		s.untilRegistered(t, "tracker.project-http-static-tracker", 1)
		static.deliver(t, "static 1", static.Secret)
		s.untilIssue(t, "static 1")
		wantEventInput(t, s.endedRuns(t, "static 1", 1), "static-source", object{"payload": object{"project": "static", "id": "static 1", "title": "ü 😀"}})
	}},
}

// untilRegistered waits until the runs of an app's own job that registers sources,
// of which there must be a number, have ended: what comes for a source before is
// dropped.
func (s *stack) untilRegistered(t *testing.T, job string, runs int) {
	t.Helper()
	s.until(t, "the runs of "+job+" have ended", func() bool {
		var listed struct {
			Runs []struct{ Status protocol.RunStatus }
		}
		ask(t, "GET", s.api.url+"/api/runhook/v1/runs?job="+job, s.apiKey, nil, &listed)
		for _, run := range listed.Runs {
			if run.Status.Terminal() && run.Status != protocol.RunSuccess {
				t.Fatalf("a run of %s ended as %s", job, run.Status)
			}
		}
		return len(listed.Runs) == runs && !slices.ContainsFunc(listed.Runs, func(run struct{ Status protocol.RunStatus }) bool { return !run.Status.Terminal() })
	})
}

// untilIssue waits until the app has made an event of a request.
func (s *stack) untilIssue(t *testing.T, id string) {
	t.Helper()
	s.until(t, "there is the event "+id, func() bool {
		var listed struct{ Events []struct{ ID string } }
		ask(t, "GET", s.api.url+"/api/runhook/v1/events?name=issue", s.apiKey, nil, &listed)
		return slices.Contains(listed.Events, struct{ ID string }{id})
	})
}
