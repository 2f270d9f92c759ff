package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// targets is a web server that keeps what it was asked for, as the request lines
// have it.
type targets struct {
	mu    sync.Mutex
	asked []string
	url   string
}

// newTargets starts one that has handle answer.
func newTargets(t *testing.T, handle http.HandlerFunc) *targets {
	t.Helper()
	all := &targets{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all.mu.Lock()
		all.asked = append(all.asked, r.RequestURI)
		all.mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(web.Close)
	all.url = web.URL
	return all
}

func (all *targets) has(target string) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	return slices.Contains(all.asked, target)
}

// What is given, and what is asked for.
const (
	oddURL    = `/"höhe" x/hook?q=hello world&n='ü'` + "\t "
	oddTarget = `/%22h%C3%B6he%22%20x/hook?q=hello%20world&n=%27%C3%BC%27`
)

func TestEveryURLThatIsCalledIsNormalised(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		dev := s.Development()
		app := harness.NewUnregisteredApp(t, s)
		registered := newTargets(t, app.ServeHTTP)
		app.URL = registered.url + oddURL
		app.Register(dev, "app")
		if !registered.has(oddTarget) {
			t.Errorf("the app was asked for %q", registered.asked)
		}

		fine := func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(`{"ok":true}`)) }
		callback, subscribed, awaited := newTargets(t, fine), newTargets(t, fine), newTargets(t, fine)
		fetched, redirected := newTargets(t, fine), newTargets(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.RequestURI, "/from") {
				w.Header().Set("Location", strings.TrimSpace(oddURL))
				w.WriteHeader(http.StatusFound)
			}
		})
		dev.Subscribe(subscribed.url+oddURL, harness.Fields{"headers": map[string]string{}})
		dev.OK("POST", "/api/v1/event-dispatchers/ephemeral", map[string]string{"url": awaited.url + oddURL, "name": "awaited"}, nil)
		fetch := func(x *harness.Execution, key, url string) protocol.Task {
			params, err := json.Marshal(map[string]string{"url": url})
			if err != nil {
				t.Error(err)
			}
			return x.Task(key, func(task *protocol.CreateTask) { task.Operation, task.Params = "fetch", params })
		}
		run := app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: callback.url + oddURL}},
			func(x *harness.Execution) harness.Reply {
				return harness.Resume(fetch(x, "plain", fetched.url+oddURL))
			}, func(x *harness.Execution) harness.Reply {
				return harness.Resume(fetch(x, "redirected", redirected.url+"/from"))
			}, harness.Always(harness.Success("")))
		s.Wait("the run to end", func() bool {
			// An operation is looked for again after a moment where its row was locked.
			s.Clock.Advance(100 * time.Millisecond)
			return dev.Run(run).Status == protocol.RunSuccess
		})
		dev.OK("POST", "/api/v1/events", `{"event":{"name":"awaited"}}`, nil)
		for what, all := range map[string]*targets{
			"the callback URL": callback, "the URL of a subscription": subscribed, "the URL of a wait": awaited,
			"a background fetch": fetched, "the target of a redirect": redirected,
		} {
			s.Wait(what+" to be called", func() bool { return all.has(oddTarget) })
		}
		// What was given is what is shown.
		for _, n := range first(dev.Notifications(nil)) {
			if !strings.HasSuffix(n.URL, oddURL) {
				t.Errorf("a notification is shown to go to %q", n.URL)
			}
		}
	})
}

func first[T any](all []T, _ string) []T { return all }

func TestAURLThatCannotBeSentIsRefusedNamingItsPart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	harness.NewApp(t, s)
	for url, part := range map[string]string{"http://a b/": `the host "a b"`, "http://h:x/": `the port "x"`, "http://u:p@h/": "user name", "gopher://h/": `the scheme "gopher"`} {
		for path, body := range map[string]any{
			"/api/v1/jobs/job/invoke":             harness.Fields{"options": harness.Fields{"callbackUrl": url}},
			"/api/v1/endpoints":                   harness.Fields{"id": "app", "url": url},
			"/api/runhook/v1/subscriptions":       harness.Fields{"url": url},
			"/api/v1/event-dispatchers/ephemeral": harness.Fields{"url": url, "name": "n"},
		} {
			answer := s.Development().Do("POST", path, body)
			if answer.Status != 400 || !strings.Contains(answer.Error(), part) || !strings.Contains(strings.ToLower(answer.Error()), "url: ") {
				t.Errorf("%s with %s answered %d %q", path, url, answer.Status, answer.Error())
			}
		}
	}
}
