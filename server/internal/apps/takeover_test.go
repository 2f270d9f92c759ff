package apps_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// twoApps starts two apps with one id, the first of which is registered, and has
// the job "kept" and the job "lost". The second has only "kept".
func twoApps(t *testing.T, s *harness.Server, c *harness.Client) (first, second *harness.App) {
	t.Helper()
	kept := harness.Job("kept", "1.0.0")
	first, second = harness.NewUnregisteredApp(t, s), harness.NewUnregisteredApp(t, s)
	first.SetIndex(harness.Index(kept, harness.Job("lost", "1.0.0")))
	second.SetIndex(harness.Index(kept))
	first.Register(c, "shop")
	return first, second
}

func TestAnAppDoesNotDisableJobsOfAnotherThatAnswersInPRODUCTIONAndSTAGING(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: reachable})
		for _, kind := range []protocol.EnvironmentType{protocol.Production, protocol.Staging} {
			c := s.As(s.Key(kind).Secret)
			first, second := twoApps(t, s, c)
			answer := c.Do("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "shop", URL: second.URL})
			for _, want := range []string{`"shop"`, first.URL, second.URL, "its job lost would be disabled in " + string(kind), "--replace"} {
				if answer.Status != 409 || !strings.Contains(answer.Error(), want) {
					t.Errorf("the second app is answered %d %s, want 409 and %s", answer.Status, answer.Body, want)
				}
			}
			if invoked := c.Do("POST", "/api/v1/jobs/lost/invoke", `{}`); invoked.Status != 200 {
				t.Errorf("the job of the first is answered %d %s", invoked.Status, invoked.Body)
			}
			c.OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "shop", URL: second.URL, Replace: true}, nil)
			s.Wait("the job to be disabled", func() bool { return c.Do("POST", "/api/v1/jobs/lost/invoke", `{}`).Status == 400 })
		}
	})
}

func TestARedeployAtAnotherURLIsNoTakeover(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: reachable})
	c := s.As(s.Key(protocol.Production).Secret)
	for name, prepare := range map[string]func(first, second *harness.App){
		"the app before is gone":   func(first, _ *harness.App) { first.SetPing(harness.Reply{Drop: true}) },
		"another app is there now": func(first, _ *harness.App) { first.SetPing(harness.JSON(`{"ok":false,"error":"another id"}`)) },
		"the jobs stay": func(_, second *harness.App) {
			second.SetIndex(harness.Index(harness.Job("kept", "1.0.1"), harness.Job("lost", "2.0.0")))
		},
		"the job was disabled before that": func(first, _ *harness.App) {
			first.SetIndex(harness.Index(harness.Job("kept", "1.0.0")))
			first.Register(c, "shop")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.For(t)
			first, second := twoApps(t, s, c)
			prepare(first, second)
			answer := c.Do("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "shop", URL: second.URL})
			if answer.Status != 200 || answer.Members()["replaced"] != nil {
				t.Errorf("it is answered %d %s", answer.Status, answer.Body)
			}
			c.OK("DELETE", "/api/runhook/v1/endpoints/shop", nil, nil)
		})
	}
}

func TestAnInvocationOfAJobThatATakeoverDisabledSaysWhichAppAndWhen(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		c := s.Development()
		first, second := twoApps(t, s, c)
		var run struct{ ID string }
		c.OK("POST", "/api/v1/jobs/lost/invoke", `{}`, &run)
		var registered struct {
			Replaced struct {
				URL          string
				DisabledJobs []string
			}
		}
		at := s.Clock.Now().Format("2006-01-02T15:04:05Z")
		c.OK("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "shop", URL: second.URL}, &registered)
		if got := fmt.Sprint(registered.Replaced); got != "{"+first.URL+" [lost]}" {
			t.Errorf("the registration says that it replaced %s", got)
		}
		second.Register(c, "shop")
		for _, path := range []string{"/api/v1/jobs/lost/invoke", "/api/runhook/v1/jobs/lost/test", "/api/runhook/v1/runs/" + run.ID + "/rerun"} {
			answer := c.Do("POST", path, `{}`)
			for _, want := range []string{"disabled in DEVELOPMENT", second.URL, `"shop"`, at} {
				if answer.Status != 400 || !strings.Contains(answer.Error(), want) {
					t.Errorf("%s is answered %d %s, want %s", path, answer.Status, answer.Body, want)
				}
			}
		}

		// A job that an app drops by itself was not taken from it.
		second.SetIndex(harness.Index())
		second.Register(c, "shop")
		if answer := c.Do("POST", "/api/v1/jobs/kept/invoke", `{}`); strings.Contains(answer.Error(), second.URL) {
			t.Errorf("a job that its app dropped is answered %s", answer.Body)
		}
		first.Register(c, "shop")
		if answer := c.Do("POST", "/api/v1/jobs/lost/invoke", `{}`); answer.Status != 200 {
			t.Errorf("registered again, it is answered %d %s", answer.Status, answer.Body)
		}
	})
}

func TestATakeoverIsLogged(t *testing.T) {
	t.Parallel()
	log := &logged{}
	s := harness.Start(t, harness.Options{Adjust: log.adjust})
	first, second := twoApps(t, s, s.Development())
	second.Register(s.Development(), "shop")
	var line struct {
		Level, Msg, App, URL string
		ReplacedURL          string `json:"replaced_url"`
		Jobs                 []string
	}
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	if line.Level != "WARN" || line.App != "shop" || line.URL != second.URL || line.ReplacedURL != first.URL || fmt.Sprint(line.Jobs) != "[lost]" {
		t.Errorf("logged %s", log)
	}
}

// logged keeps the warnings of a server.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) adjust(c *server.Config) {
	c.Log = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Write implements io.Writer.
func (l *logged) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

// String returns all that was logged.
func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
