package apps_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAnEndpointThatDoesNotAnswerAsItShouldIsNotRegistered(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewUnregisteredApp(t, s)
	for name, c := range map[string]struct {
		ping harness.Reply
		want string
	}{
		"the wrong key, in its words":   {harness.HTTP(401, `{"message":"Forbidden: client apiKey mismatch"}`), "Forbidden: client apiKey mismatch"},
		"the wrong key, without words":  {harness.HTTP(401, ""), "Trigger API key is invalid"},
		"another status":                {harness.HTTP(404, "<html>"), "Could not connect to endpoint " + app.URL + ". Status code: 404"},
		"a page":                        {harness.HTTP(200, "<html>"), "Could not parse response from endpoint. Make sure it points to the correct URL (you might be missing /api/trigger)"},
		"another client":                {harness.JSON(`{"ok":false,"error":"Endpoint ID mismatch error. Expected a, got app"}`), "Endpoint ID mismatch error. Expected a, got app"},
		"JSON of another shape":         {harness.JSON(`[]`), "Endpoint " + app.URL + " responded with error"},
		"a connection that is cut off":  {harness.Reply{Drop: true}, "Could not connect to endpoint " + app.URL},
		"not ok without saying why not": {harness.JSON(`{"ok":false}`), "Endpoint " + app.URL + " responded with error"},
	} {
		t.Run(name, func(t *testing.T) {
			app.SetPing(c.ping)
			answer := s.For(t).Development().Do("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: app.URL})
			if answer.Status != 400 || !strings.HasPrefix(answer.Error(), c.want) {
				t.Errorf("answered %d %q, want %q", answer.Status, answer.Error(), c.want)
			}
		})
	}
	answer := s.Development().Do("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: "http://127.0.0.1:1/"})
	if answer.Status != 400 || !strings.Contains(answer.Error(), "Could not connect to endpoint http://127.0.0.1:1/") {
		t.Errorf("no such app: answered %d %q", answer.Status, answer.Error())
	}
	if app.Calls(protocol.ActionIndexEndpoint) != 0 {
		t.Error("an app that is not registered was indexed")
	}
}

func TestARegistrationReturnsWhatTheCLINeedsAndNoKeys(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewUnregisteredApp(t, s)
		answer := s.Development().Do("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: app.URL})
		var got struct {
			ID, Slug, URL, UpdatedAt, Version, SDKVersion string
			EndpointIndex                                 struct{ ID, Status string }
		}
		if err := json.Unmarshal(answer.Body, &got); err != nil || answer.Status != 200 {
			t.Fatalf("answered %d %s: %v", answer.Status, answer.Body, err)
		}
		if got.Slug != "app" || got.URL != app.URL || got.UpdatedAt == "" || got.Version != "2023-09-29" || got.SDKVersion != "2.3.18" || got.EndpointIndex.ID == "" || got.EndpointIndex.Status != "PENDING" {
			t.Errorf("got %+v", got)
		}
		if text := string(answer.Body); strings.Contains(text, "tr_dev_") || strings.Contains(text, "pk_dev_") {
			t.Errorf("a key is in the answer: %s", text)
		}
		index := app.Register(s.Development(), "app")
		if want := `"stats":{"jobs":1,"sources":0,"webhooks":0,"dynamicTriggers":0,"dynamicSchedules":0,"disabledJobs":0,"httpEndpoints":0}`; !strings.Contains(string(index.Body), want) {
			t.Errorf("the index is %s", index.Body)
		}
	})
}

func TestWhatAnIndexChanges(t *testing.T) {
	t.Parallel()
	job, other := harness.Job("job", "1.0.0"), harness.Job("other", "1.0.0")
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		first, second := harness.NewUnregisteredApp(t, s), harness.NewUnregisteredApp(t, s)
		second.SetIndex(harness.Index(harness.Job("of the second", "1.0.0")))
		second.Register(s.Development(), "second")
		for i, step := range []struct {
			index     string
			invocable map[string]int
		}{
			{harness.Index(job, other), map[string]int{"job": 200, "other": 200, "of%20the%20second": 200}},
			{harness.Index(job, harness.DisabledJob("other", "1.0.0")), map[string]int{"job": 200, "other": 400, "of%20the%20second": 200}},
			{harness.Index(job, other), map[string]int{"job": 200, "other": 200}},
			{harness.Index(other), map[string]int{"job": 400, "other": 200}},
			{harness.Index(), map[string]int{"job": 400, "other": 400, "of%20the%20second": 200}},
			{harness.Index(harness.Job("job", "2.0.0")), map[string]int{"job": 200, "other": 400}},
		} {
			first.SetIndex(step.index)
			first.Register(s.Development(), "first")
			for slug, want := range step.invocable {
				if answer := s.Development().Do("POST", "/api/v1/jobs/"+slug+"/invoke", `{}`); answer.Status != want {
					t.Errorf("after index %d, invoking %s answers %d %s, want %d", i, slug, answer.Status, answer.Body, want)
				}
			}
		}
	})
}

func TestAnIndexThatIsWrongChangesNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		for index, want := range map[string]string{
			`{}`:                                    `missing value at \"jobs\"`,
			`[]`:                                    `expected an object`,
			`<html>`:                                `Could not parse response from endpoint`,
			`{"jobs":[{"id":"a"}]}`:                 `Your Jobs have issues:`,
			harness.Index(harness.Job("a", "1")):    `Job \"a\": expected three numbers such as 1.0.0`,
			harness.Index(harness.Job("", "1.0.0")): `Job number 1: empty value at \"id\"`,
			harness.Index(harness.Job("a", "1.0.0"), harness.Job("a", "1.0.0")): `defined more than once`,
		} {
			app.SetIndex(index)
			answer := app.Register(s.Development(), "app")
			if text := string(answer.Body); !strings.Contains(text, `"FAILURE"`) || !strings.Contains(text, want) {
				t.Errorf("the indexing of %.100s is %s, want %s", index, text, want)
			}
			if answer := s.Development().Do("POST", "/api/v1/jobs/job/invoke", `{}`); answer.Status != 200 {
				t.Errorf("after %.100s the job cannot be invoked: %s", index, answer.Body)
			}
		}
	})
}

func TestAnIndexingThatCannotBeRecordedFails(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Database: harness.Postgres(t)})
	app := harness.NewApp(t, s)
	// No index of PostgreSQL takes an entry that is as long as that.
	var long strings.Builder
	for long.Len() < 10_000 {
		long.WriteString(rand.Text())
	}
	app.SetIndex(harness.Index(harness.Job(long.String(), "1.0.0")))
	answer := app.Register(s.Development(), "app")
	if text := string(answer.Body); !strings.Contains(text, `"FAILURE"`) || !strings.Contains(text, "at most 500 bytes") {
		t.Errorf("the indexing is %s", text)
	}
	app.SetIndex(harness.Index(harness.Job("job", "1.0.1")))
	if answer := app.Register(s.Development(), "app"); !strings.Contains(string(answer.Body), `"SUCCESS"`) {
		t.Errorf("the next indexing is %s", answer.Body)
	}
}

func TestAnIndexingThatGetsNoAnswerIsTriedAgainOutsideDEVELOPMENT(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.EgressAllow = "127.0.0.1" }})
	app := harness.NewUnregisteredApp(t, s)
	app.SetIndexReply(harness.HTTP(503, ""))
	if answer := app.Register(s.Development(), "app"); !strings.Contains(string(answer.Body), "FAILURE") {
		t.Errorf("in DEVELOPMENT it is %s", answer.Body)
	}
	production := s.As(s.Key(protocol.Production).Secret)
	var registered struct{ EndpointIndex struct{ ID string } }
	calls := app.Calls(protocol.ActionIndexEndpoint)
	production.OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: app.URL}, &registered)
	for n := range 3 {
		s.Wait(fmt.Sprint("the failure of attempt ", n+1), func() bool {
			// An attempt that has begun is PENDING again only when its failure is recorded.
			if app.Calls(protocol.ActionIndexEndpoint) <= calls+n {
				return false
			}
			var index struct{ Status string }
			production.OK("GET", "/api/v1/endpointindex/"+registered.EndpointIndex.ID, nil, &index)
			return index.Status == "PENDING"
		})
		s.Clock.Advance(time.Minute)
	}
	app.SetIndexReply(harness.JSON(harness.Index(harness.Job("job", "1.0.0"))))
	s.Wait("the indexing to succeed", func() bool {
		s.Clock.Advance(time.Minute)
		var index struct{ Status string }
		production.OK("GET", "/api/v1/endpointindex/"+registered.EndpointIndex.ID, nil, &index)
		return index.Status == "SUCCESS"
	})
}
