package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// trackerRegistration is what the app has told the external service of its tests.
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

// tells has the external service tell of an issue.
func (r trackerRegistration) tells(t *testing.T, id, secret string) {
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
		s.untilRegistered(t, "blue")
		blue.tells(t, "forged", "no secret")
		blue.tells(t, "blue 1", blue.Secret)
		blue.tells(t, "blue 2", blue.Secret)
		for i, id := range []string{"blue 1", "blue 2"} {
			metadata := `{"last":"blue 1","before":null,"kept":{"hook":7}}`
			if i == 1 {
				metadata = `{"last":"blue 2","before":` + metadata + `,"kept":{"hook":7}}`
			}
			runs := s.endedRuns(t, id, 2)
			for _, job := range []string{"dynamic-one", "dynamic-two"} {
				wantToldTo(t, runs, job, object{
					"payload": object{"project": "blue", "id": id, "title": "ü 😀"}, "account": object{"id": "of blue"},
					"source": object{"id": "team/blue", "metadata": json.RawMessage(metadata)},
				})
			}
		}
	}},
	{"a source that the index lists is registered, and starts its job", func(t *testing.T, s *stack) {
		static := s.registration(t, "static")
		s.untilRegistered(t, "static")
		static.tells(t, "static 1", static.Secret)
		wantToldTo(t, s.endedRuns(t, "static 1", 1), "static-source", object{"payload": object{"project": "static", "id": "static 1", "title": "ü 😀"}})
	}},
}

// untilRegistered waits until the app has told the server that it has registered
// the source with a part in its key: what comes before is dropped.
func (s *stack) untilRegistered(t *testing.T, part string) {
	t.Helper()
	s.until(t, "the source "+part+" is registered", func() bool {
		return slices.ContainsFunc(s.api.recorded(), func(e exchange) bool {
			return e.method == http.MethodPut && e.status == http.StatusOK && strings.Contains(e.path, "/sources/") && strings.Contains(e.path, part)
		})
	})
}
