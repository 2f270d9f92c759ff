package inbound_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/inbound/queue"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// webhook returns an index with a webhook of a key, wanted with events.
func webhook(key string, events ...string) object {
	return object{
		"httpEndpoints": []object{httpEndpoint(key, object{"source": "trigger.dev"})},
		"webhooks": []object{{
			"key": key, "params": object{"shop": "a\u00e9"}, "config": object{"event": events}, "httpEndpoint": object{"id": key},
			"integration": object{"id": "fake", "metadata": object{"id": "fake", "name": "Fake"}, "authSource": "LOCAL"},
		}},
		"jobs": []object{listener("register-"+key, "dev.trigger.webhook.register."+key, "trigger.dev", object{})},
	}
}

// registration is the input of a job that registers a webhook.
type registration struct {
	Active bool
	URL    string
	Secret string
	Params json.RawMessage
	Config struct{ Current, Desired map[string][]string }
}

// asked returns what the app was asked so far to register, once it was a number of
// times.
func (b *bench) asked(key string, times int) (asked []registration) {
	b.Helper()
	for _, x := range b.runsOf("register-"+key, times) {
		var r registration
		if err := json.Unmarshal(x.Body.Event.Payload, &r); err != nil {
			b.Fatal(err)
		}
		asked = append(asked, r)
	}
	return asked
}

// registered reports the registration of a webhook, as its app does.
func (b *bench) registered(client *harness.Client, key string, body any) {
	b.Helper()
	var got struct{ ID, Key string }
	client.OK("PUT", "/api/v1/webhooks/"+key, body, &got)
	if got.Key != key || !strings.HasPrefix(got.ID, "webhook_") {
		b.Errorf("the registration of %s was answered with %+v", key, got)
	}
}

// taker is an app that takes the requests of webhooks, as the test says.
type taker struct {
	mu     sync.Mutex
	taken  []taken
	answer func(body string) harness.Reply
}

type taken struct {
	header http.Header
	body   string
}

func (b *bench) takes(answer func(body string) harness.Reply) *taker {
	t := &taker{answer: answer}
	b.app.Handle(protocol.ActionDeliverWebhook, func(header http.Header, body []byte) harness.Reply {
		t.mu.Lock()
		t.taken = append(t.taken, taken{header, string(body)})
		t.mu.Unlock()
		return t.answer(string(body))
	})
	return t
}

// bodies returns the bodies of the requests the app was handed so far.
func (t *taker) bodies() (bodies []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, got := range t.taken {
		bodies = append(bodies, got.body)
	}
	return bodies
}

func (b *bench) waitBodies(t *taker, want ...string) {
	b.Helper()
	b.s.Wait(fmt.Sprintf("the app to be handed %q", want), func() bool { return len(t.bodies()) >= len(want) })
	if got := t.bodies(); !slices.Equal(got, want) {
		b.Errorf("the app was handed %q, want %q", got, want)
	}
}

var verified = harness.JSON(`{"response":{"status":200,"body":{"ok":true}},"verified":true}`)

const accepted = `{"status":200}`

func TestAWebhookIsRegisteredAndReceives(t *testing.T) {
	onEachDatabase(t, func(b *bench) {
		b.index(webhook("shop", "a", "b"))
		asked := b.asked("shop", 1)[0]
		if asked.Active || asked.URL != b.address("shop") || len(asked.Secret) != 64 || string(asked.Params) != `{"shop":"aé"}` ||
			len(asked.Config.Current) != 0 || !slices.Equal(asked.Config.Desired["event"], []string{"a", "b"}) {
			b.Errorf("the app was asked to register %+v", asked)
		}
		taker := b.takes(func(string) harness.Reply { return verified })
		b.wantAnswer("a request before the registration", b.send("POST", b.address("shop"), "early"), 200, accepted)

		b.registered(b.s.Development(), "shop", object{"active": true, "config": object{"event": []string{"a", "b"}}})
		b.index(webhook("shop", "a", "b"))
		b.asked("shop", 1) // nothing more to do
		b.wantAnswer("a request", b.send("PATCH", b.address("shop")+"?x=1", "\x00\xff", "X-Shop", "1"), 200, accepted)
		b.wantAnswer("a question whether it is there", b.send("HEAD", b.address("shop"), ""), 200, "")
		b.waitBodies(taker, "\x00\xff")
		for name, want := range map[string]string{
			protocol.HeaderSourceKey: "shop", protocol.HeaderSourceSecret: asked.Secret, protocol.HeaderSourceParams: `{"shop":"a\u00e9"}`,
			protocol.HeaderHTTPMethod: "PATCH", protocol.HeaderHTTPURL: b.address("shop") + "?x=1",
		} {
			if got := taker.taken[0].header.Get(name); got != want {
				b.Errorf("the app was handed %s %q, want %q", name, got, want)
			}
		}
	})
}

func TestEachEnvironmentHasItsOwnSecretForAWebhook(t *testing.T) {
	onEachDatabase(t, func(b *bench) {
		secrets := map[string]protocol.EnvironmentType{}
		for _, kind := range []protocol.EnvironmentType{protocol.Development, protocol.Production, protocol.Staging, protocol.Preview} {
			client := b.s.As(b.s.Key(kind).Secret)
			app := harness.NewUnregisteredApp(t, b.s)
			b.indexAs(client, app, "app", webhook("shop", "a"))
			var page struct{ Runs []struct{ ID string } }
			b.s.Wait("the app to be asked to register", func() bool {
				client.OK("GET", "/api/runhook/v1/runs?job=register-shop", nil, &page)
				return len(page.Runs) == 1 && len(app.Executions(page.Runs[0].ID)) == 1
			})
			var asked registration
			decode(t, app.Executions(page.Runs[0].ID)[0].Body.Event.Payload, &asked)
			if other, taken := secrets[asked.Secret]; taken || len(asked.Secret) != 64 {
				b.Errorf("%s receives the secret %q, which %s has", kind, asked.Secret, other)
			}
			secrets[asked.Secret] = kind
			b.registered(client, "shop", object{"active": true, "config": object{"event": []string{"a"}}})

			// A request is handed over with the secret that was registered.
			handed := make(chan string, 1)
			app.Handle(protocol.ActionDeliverWebhook, func(header http.Header, _ []byte) harness.Reply {
				handed <- header.Get(protocol.HeaderSourceSecret)
				return verified
			})
			b.wantAnswer("a request", b.send("POST", b.listed(client)["shop"].URL, "x"), 200, accepted)
			if got := <-handed; got != asked.Secret {
				b.Errorf("in %s a request is handed over with %q, and registered was %q", kind, got, asked.Secret)
			}
		}
	})
}

func TestAWebhookOfWhichMoreIsWantedIsUpdated(t *testing.T) {
	b := newBench(t)
	b.index(webhook("shop", "a"))
	b.asked("shop", 1)
	// Before the app has answered, it wants more.
	b.index(webhook("shop", "a", "b"))
	b.asked("shop", 2)
	b.registered(b.s.Development(), "shop", object{"active": true, "config": object{"event": []string{"a"}}})
	b.registered(b.s.Development(), "shop", object{"active": true, "config": object{"event": []string{"a", "b"}}})
	b.index(webhook("shop", "c"))
	asked := b.asked("shop", 3)[2]
	if !asked.Active || !slices.Equal(asked.Config.Current["event"], []string{"a", "b"}) || !slices.Equal(asked.Config.Desired["event"], []string{"c"}) {
		t.Errorf("the app was asked to register %+v", asked)
	}
	b.registered(b.s.Development(), "shop", object{"active": false})
	b.index(webhook("shop", "c"))
	if again := b.asked("shop", 4)[3]; again.Active || again.Secret != asked.Secret || again.URL != asked.URL {
		t.Errorf("after a failure the app was asked to register %+v", again)
	}
}

func TestAWebhookWhoseParamsChangedIsRegisteredAnew(t *testing.T) {
	b := newBench(t)
	config := object{"event": []string{"a"}}
	b.index(webhook("shop", "a"))
	b.asked("shop", 1)
	b.registered(b.s.Development(), "shop", object{"active": true, "config": config})
	changed := webhook("shop", "a")
	changed["webhooks"].([]object)[0]["params"] = object{"shop": "another"}
	for range 2 { // the second time it is asked again, as it has not answered
		b.index(changed)
	}
	asked := b.asked("shop", 3)[2]
	if !asked.Active || string(asked.Params) != `{"shop":"another"}` || !slices.Equal(asked.Config.Current["event"], []string{"a"}) {
		t.Errorf("the app was asked to register %+v", asked)
	}
	b.registered(b.s.Development(), "shop", object{"active": true, "config": config})
	b.index(changed)
	b.asked("shop", 3) // nothing more to do
}

func TestAWebhookWhoseAddressChangedIsRegisteredAnew(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "runhook.db")
	start := func() *bench { // each time on another port
		s := harness.Start(t, harness.Options{Database: database, Adjust: everywhere})
		return &bench{T: t, s: s, app: harness.NewUnregisteredApp(t, s)}
	}
	b := start()
	b.index(webhook("shop", "a"))
	b.asked("shop", 1)
	b.registered(b.s.Development(), "shop", object{"active": true, "config": object{"event": []string{"a"}}})
	b.s.Stop()
	b = start()
	b.index(webhook("shop", "a"))
	var runs struct{ Runs []struct{ ID string } }
	b.s.Wait("the app to be asked again", func() bool {
		b.s.Development().OK("GET", "/api/runhook/v1/runs?job=register-shop", nil, &runs)
		return len(runs.Runs) == 2 && len(b.app.Executions(runs.Runs[0].ID)) == 1
	})
	if payload := string(b.app.Executions(runs.Runs[0].ID)[0].Body.Event.Payload); !strings.Contains(payload, b.s.URL+"/") {
		t.Errorf("the app was asked to register %s", payload)
	}
}

func TestRequestsOfAWebhookAreHandedOverInOrderAndTriedAgain(t *testing.T) {
	onEachDatabase(t, func(b *bench) {
		production := b.s.As(b.s.Key(protocol.Production).Secret)
		document := webhook("shop", "a")
		other := webhook("news", "a")
		for name, list := range other {
			document[name] = append(document[name].([]object), list.([]object)...)
		}
		b.indexAs(production, b.app, "app", document)
		for _, key := range []string{"shop", "news"} {
			b.registered(production, key, object{"active": true, "config": object{"event": []string{"a"}}})
		}
		urls := b.listed(production)
		var mu sync.Mutex
		failures := 3
		taker := b.takes(func(body string) harness.Reply {
			mu.Lock()
			defer mu.Unlock()
			if body == "1" && failures > 0 {
				failures--
				return harness.HTTP(503, "")
			}
			return verified
		})
		for _, body := range []string{"1", "2", "3"} {
			b.wantAnswer("request "+body, b.send("POST", urls["shop"].URL, body), 200, accepted)
		}
		b.waitBodies(taker, "1")
		b.wantAnswer("a request to another webhook", b.send("POST", urls["news"].URL, "other"), 200, accepted)
		b.waitBodies(taker, "1", "other")
		for n := range 3 {
			want := append([]string{"1", "other"}, slices.Repeat([]string{"1"}, n+1)...)
			if n == 2 {
				want = append(want, "2", "3")
			}
			b.s.Wait("the next attempt", func() bool {
				if len(taker.bodies()) < len(want) {
					b.s.Clock.Advance(time.Second)
				}
				return len(taker.bodies()) >= len(want)
			})
			b.waitBodies(taker, want...)
		}
	})
}

func TestARequestIsExhaustedAfterItsAttempts(t *testing.T) {
	for environment, most := range map[protocol.EnvironmentType]int{protocol.Development: 1, protocol.Production: queue.MaximumAttempts} {
		t.Run(string(environment), func(t *testing.T) {
			b := newBench(t)
			client := b.s.As(b.s.Key(environment).Secret)
			b.indexAs(client, b.app, "app", webhook("shop", "a"))
			b.registered(client, "shop", object{"active": true, "config": object{"event": []string{"a"}}})
			taker := b.takes(func(body string) harness.Reply {
				if body == "bad" {
					return harness.HTTP(500, "")
				}
				return harness.JSON(`{"verified":false,"error":"the signature is wrong"}`)
			})
			url := b.listed(client)["shop"].URL
			b.wantAnswer("the first", b.send("POST", url, "bad"), 200, accepted)
			b.wantAnswer("the second", b.send("POST", url, "unverified"), 200, accepted)
			b.s.Wait("the second to be handed over", func() bool {
				b.s.Clock.Advance(time.Hour)
				return slices.Contains(taker.bodies(), "unverified")
			})
			b.waitBodies(taker, append(slices.Repeat([]string{"bad"}, most), "unverified")...)
		})
	}
}

func TestARegistrationThatFailsIsNotMadeAtEveryIndex(t *testing.T) {
	b := newBench(t)
	production := b.s.As(b.s.Key(protocol.Production).Secret)
	index := func() { b.indexAs(production, b.app, "app", webhook("shop", "a")) }
	asked := func() int {
		var runs struct{ Runs []struct{ ID string } }
		production.OK("GET", "/api/runhook/v1/runs?job=register-shop", nil, &runs)
		return len(runs.Runs)
	}
	index()
	b.s.Wait("the app to be asked", func() bool { return asked() == 1 })
	b.registered(production, "shop", object{"active": false})
	index()
	if n := asked(); n != 1 {
		t.Errorf("the app was asked %d times at once", n)
	}
	b.s.Clock.Advance(time.Minute)
	index()
	b.s.Wait("the app to be asked again", func() bool { return asked() == 2 })
	b.s.Clock.Advance(time.Minute)
	index()
	if n := asked(); n != 2 {
		t.Errorf("the app was asked %d times after a minute more", n)
	}
}

func TestAnUpdateOfAWebhookIsChecked(t *testing.T) {
	b := newBench(t)
	b.index(webhook("shop", "a"))
	for body, want := range map[string]int{
		`{}`: 400, `{"active":"yes"}`: 400, `{"active":true}`: 400, `{"active":true,"config":{"a":"b"}}`: 400, `[]`: 400,
		`{"active":true,"config":{}}`: 200, `{"active":false}`: 200,
	} {
		if got := b.s.Development().Do("PUT", "/api/v1/webhooks/shop", body); got.Status != want {
			t.Errorf("%s was answered with %d %s, want %d", body, got.Status, got.Body, want)
		}
	}
	if got := b.s.Development().Do("PUT", "/api/v1/webhooks/unknown", `{"active":false}`); got.Status != 404 {
		t.Errorf("an unknown webhook was answered with %d", got.Status)
	}
	if got := b.s.As(b.s.Key(protocol.Preview).Secret).Do("PUT", "/api/v1/webhooks/shop", `{"active":false}`); got.Status != 404 {
		t.Errorf("another environment's webhook was answered with %d", got.Status)
	}
}
