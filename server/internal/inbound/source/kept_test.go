package source_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// ownSecret is one that an app gives a source, and not of the kind the server makes.
const ownSecret = `own/"s3cret" of the tracker`

// registrar is an app that registers webhooks and sources, and keeps their secrets in
// all that an app can keep.
type registrar struct {
	t       *testing.T
	client  *harness.Client
	mu      sync.Mutex
	secrets []string
	done    int
}

// registering is what a run that registers something is executed with.
type registering struct {
	Event struct {
		Payload struct {
			Secret string
			Source struct{ Key, Secret string }
		}
	}
	Run   struct{ ID string }
	Tasks []struct{ Output json.RawMessage }
}

func (a *registrar) execute(_ http.Header, body []byte) harness.Reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	var x registering
	if err := json.Unmarshal(body, &x); err != nil {
		a.t.Error(err)
	}
	secret := x.Event.Payload.Secret + x.Event.Payload.Source.Secret
	if len(secret) != 64 {
		a.t.Errorf("the app receives the secret %q", secret)
		return harness.JSON(`{"status":"SUCCESS"}`)
	}
	if len(x.Tasks) == 0 {
		a.secrets = append(a.secrets, secret)
		a.keep(x, secret)
		return harness.JSON(`{"status":"YIELD_EXECUTION","key":"again"}`)
	}
	if got := string(x.Tasks[0].Output); got != fmt.Sprintf(`{"made with":[%q]}`, secret) {
		a.t.Errorf("the app receives as output of its task %s", got)
	}
	a.done++
	return harness.JSON(fmt.Sprintf(`{"status":"SUCCESS","output":{"registered":"with %s"}}`, secret))
}

// keep runs tasks with the secret, and, for a source, gives it another.
func (a *registrar) keep(x registering, secret string) {
	tasks := "/api/v1/runs/" + x.Run.ID + "/tasks"
	run := func(key string, params, output any, paths ...string) {
		text, err := json.Marshal(params)
		if err != nil {
			a.t.Error(err)
		}
		request := protocol.CreateTask{IdempotencyKey: key, Name: key, Params: text}
		if paths != nil {
			request.Redact = &protocol.Redact{Paths: paths}
		}
		created := a.client.CreateTask(x.Run.ID, request)
		if string(created.Params) != string(text) {
			a.t.Errorf("the app's task was made with %s, and it receives %s", text, created.Params)
		}
		if key == "update" {
			a.client.OK("PUT", "/api/v2/app/sources/"+x.Event.Payload.Source.Key, params, nil)
		}
		a.client.OK("POST", tasks+"/"+created.ID+"/complete", map[string]any{"output": output}, nil)
	}
	run("create", map[string]any{"token": secret}, map[string]any{"made with": []string{secret}})
	if x.Event.Payload.Source.Key != "" {
		run("ask", map[string]any{}, map[string]any{"secret": ownSecret})
		// Before the server knows it, and after.
		a.keepOwn("before", x.Run.ID)
		run("update", map[string]any{"key": "k", "secret": ownSecret, "options": map[string]any{"event": []string{"issue"}}}, map[string]any{}, "secret")
		run("later", map[string]any{"a": []string{ownSecret}}, "with "+ownSecret)
		a.keepOwn("after", x.Run.ID)
	}
}

// keepOwn keeps the secret that the app chose, where its runs and others keep something.
func (a *registrar) keepOwn(name, run string) {
	value, err := json.Marshal(map[string]string{"value": ownSecret})
	if err != nil {
		a.t.Error(err)
	}
	a.client.OK("PUT", "/api/v1/store/"+name, string(value), nil)
	var kept struct{ Value string }
	if a.client.OK("GET", "/api/v1/store/"+name, nil, &kept); kept.Value != string(value) {
		a.t.Errorf("the app reads the value %s, want %s", kept.Value, value)
	}
	var status struct{ Data struct{ Value string } }
	a.client.OK("PUT", "/api/v1/runs/"+run+"/statuses/"+name, fmt.Sprintf(`{"label":%s,"data":%s}`, encoded(ownSecret), value), &status)
	var logged struct{ Message string }
	a.client.OK("POST", "/api/v1/runs/"+run+"/logs", fmt.Sprintf(`{"level":"INFO","message":%s}`, encoded("with "+ownSecret)), &logged)
	a.client.CreateTask(run, protocol.CreateTask{IdempotencyKey: "text " + name, Name: "uses " + ownSecret, DisplayKey: "key " + ownSecret, Description: "does " + ownSecret, Noop: true})
	if status.Data.Value != ownSecret {
		a.t.Errorf("the app's status is answered with %q", status.Data.Value)
	}
	a.client.OK("POST", "/api/v1/events", fmt.Sprintf(`{"event":{"name":"nobody listens","payload":%s,"context":%s}}`, value, value), nil)
}

func encoded(text string) string {
	value, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(value)
}

// noticing is a log handler that notices a message.
type noticing struct {
	slog.Handler
	message string
	seen    *atomic.Bool
}

func (n noticing) Enabled(context.Context, slog.Level) bool { return true }

func (n noticing) Handle(ctx context.Context, record slog.Record) error {
	if record.Message == n.message {
		n.seen.Store(true)
	}
	if !n.Handler.Enabled(ctx, record.Level) {
		return nil
	}
	return n.Handler.Handle(ctx, record)
}

const registrarIndex = `{"sources":[],"dynamicSchedules":[],"dynamicTriggers":[{"id":"issues","jobs":[]}],
	"httpEndpoints":[{"id":"shop","version":"1","enabled":true,"icon":"i","source":"trigger.dev","event":{"name":"shop","title":"T","source":"trigger.dev","icon":"i"}}],
	"webhooks":[{"key":"shop","params":{},"config":{"event":["a"]},"httpEndpoint":{"id":"shop"},"integration":{"id":"i","metadata":{"id":"i","name":"I"},"authSource":"LOCAL"}}],
	"jobs":[LISTENERS]}`

func listener(id, event string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},
		"event":{"name":%q,"title":"E","source":"trigger.dev","icon":"i"},
		"trigger":{"type":"static","title":"E","rule":{"event":%q,"source":"trigger.dev","payload":{}}}}`, id, id, event, event)
}

func TestNoSecretOfAWebhookOrSourceIsKeptInClear(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]string{
		"on SQLite": "sqlite:" + filepath.Join(t.TempDir(), "runhook.db"), "on PostgreSQL": harness.Postgres(t),
	} {
		t.Run(name, func(t *testing.T) {
			var swept atomic.Bool
			s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
				c.Log = slog.New(noticing{c.Log.Handler(), "took secrets out of what was kept before they were known", &swept})
			}})
			app, got := harness.NewUnregisteredApp(t, s), harness.NewReceiver(t, s)
			a := &registrar{t: t, client: s.Development()}
			subscribed := s.Development().Subscribe(got.URL, nil)
			got.Trust(receiver.Config{Secrets: []string{subscribed.Secret}})
			app.Handle(protocol.ActionExecuteJob, a.execute)
			app.SetIndex(strings.Replace(registrarIndex, "LISTENERS",
				listener("webhooks", "dev.trigger.webhook.register.shop")+","+listener("sources", "dev.trigger.source.register.v2"), 1))
			app.Register(s.Development(), "app")
			s.Development().OK("PUT", "/api/v2/app/triggers/issues/registrations/all", `{"rule":{"event":"a","source":"tracker"},
				"source":{"version":"2","channel":"HTTP","key":"tracker","params":{},"options":{"event":["issue"]},
				"integration":{"id":"i","metadata":{"id":"i","name":"I"},"authSource":"LOCAL"}}}`, nil)
			for _, n := range []int{1, 2} {
				if body := string(got.WaitFor(n).Body); !strings.Contains(body, "[REDACTED]") {
					t.Errorf("a notification shows %s", body)
				}
			}
			if a.done != 2 || len(a.secrets) != 2 {
				t.Fatalf("%d runs ended, with %d secrets", a.done, len(a.secrets))
			}
			var runs struct{ Runs []struct{ ID string } }
			s.Development().OK("GET", "/api/runhook/v1/runs", nil, &runs)
			shown := ""
			for _, run := range runs.Runs {
				for _, path := range []string{
					"/api/runhook/v1/runs/" + run.ID, "/api/v2/runs/" + run.ID + "?taskdetails=true&subtasks=true", "/api/v1/runs/" + run.ID + "?taskdetails=true",
					"/api/v2/runs/" + run.ID + "/statuses", "/api/v1/runs/" + run.ID + "/statuses",
				} {
					shown += string(s.Development().Do("GET", path, nil).Body)
				}
			}
			for _, list := range []string{"runs", "events", "sources", "webhooks", "http-endpoints", "notifications", "notifications/feed"} {
				shown += string(s.Development().Do("GET", "/api/runhook/v1/"+list, nil).Body)
			}
			s.Wait("what was kept before the secret was known to be gone through", func() bool {
				s.Clock.Advance(time.Second)
				return swept.Load()
			})
			s.Stop()
			for place, text := range map[string]string{"the database": harness.Dump(t, database), "what people are shown": shown} {
				if !strings.Contains(text, "webhook.register") && !strings.Contains(text, "made with") {
					t.Fatalf("%s has not what the apps have kept", place)
				}
				for _, secret := range append(a.secrets, ownSecret, `own/\"s3cret`, `own/\\\"s3cret`) {
					if at := strings.Index(text, secret); at >= 0 {
						t.Errorf("%s has the secret %s: ...%q", place, secret, text[max(0, at-200):at])
					}
				}
				if place != "the database" && strings.Contains(text, "runhook-secret") {
					t.Errorf("people are shown %s", text)
				}
			}
		})
	}
}
