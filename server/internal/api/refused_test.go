package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// world is a server with one of everything that a route can name.
type world struct {
	s                             *harness.Server
	app                           *harness.App
	run, task, notification, hook string
}

// unchanged runs a test on a world, and fails it unless the database holds
// afterwards exactly what it held before.
func unchanged(t *testing.T, test func(t *testing.T, w world)) {
	t.Helper()
	database := harness.Postgres(t)
	s := harness.Start(t, harness.Options{Database: database})
	w := world{s: s, app: harness.NewApp(t, s)}
	done := harness.NewReceiver(t, s)
	w.run = w.app.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: done.URL}}, func(x *harness.Execution) harness.Reply {
		return harness.Success(`1`)
	})
	s.Development().WaitRun(w.run, protocol.RunSuccess)
	s.Wait("the notification to be recorded", func() bool {
		answer := s.Development().Do("GET", "/api/runhook/v1/notifications?status=DELIVERED", nil)
		_, rest, found := strings.Cut(string(answer.Body), `"id":"`)
		w.notification, _, _ = strings.Cut(rest, `"`)
		return found
	})
	w.run = openRun(s, w.app)
	task := s.Development().Run(w.run).Tasks[0]
	w.task = task.ID
	w.hook = *s.Development().CreateTask(w.run, protocol.CreateTask{IdempotencyKey: "never"}).CallbackURL
	before := harness.Contents(t, database)
	test(t, w)
	after := harness.Contents(t, database)
	for _, table := range slices.Sorted(maps.Keys(before)) {
		if before[table] != after[table] {
			t.Errorf("the table %s has changed", table)
		}
	}
}

// route is one of the API's, with ids of things that are there.
type route struct {
	method, path string
	// public routes take a public key, too.
	public bool
	// body is a good body; empty for routes that read none.
	body string
	// named routes hold an id that other environments do not have.
	named bool
}

func (w world) routes() []route {
	run := "/api/v1/runs/" + w.run
	return []route{
		{method: "GET", path: "/api/v1/whoami"},
		{method: "POST", path: "/api/v1/endpoints", body: `{"id":"app","url":"http://127.0.0.1:1/"}`},
		{method: "GET", path: "/api/v1/endpointindex/index_1", named: true},
		{method: "POST", path: "/api/v1/jobs/job/invoke", body: `{}`, named: true},
		{method: "GET", path: "/api/v1/jobs/job/runs"},
		{method: "GET", path: run, public: true, named: true},
		{method: "GET", path: "/api/v2/runs/" + w.run, public: true, named: true},
		{method: "GET", path: run + "/statuses", public: true, named: true},
		{method: "GET", path: "/api/v2/runs/" + w.run + "/statuses", public: true, named: true},
		{method: "PUT", path: run + "/statuses/key", body: `{"label":"L"}`, named: true},
		{method: "POST", path: run + "/cancel", named: true},
		{method: "POST", path: run + "/logs", body: `{"level":"INFO","message":"m"}`},
		{method: "POST", path: run + "/tasks", body: `{"idempotencyKey":"k"}`, named: true},
		{method: "POST", path: run + "/tasks/" + w.task + "/complete", body: `{"output":"1"}`, named: true},
		{method: "POST", path: run + "/tasks/" + w.task + "/fail", body: `{"error":{"message":"m"}}`, named: true},
		{method: "GET", path: "/api/runhook/v1/notifications"},
		{method: "GET", path: "/api/runhook/v1/notifications/" + w.notification, named: true},
		{method: "POST", path: "/api/runhook/v1/notifications/" + w.notification + "/resend", named: true},
	}
}

func (r route) String() string { return r.method + " " + r.path }

// ask sends the route's good body with a key.
func (r route) ask(s *harness.Server, key string, headers ...string) harness.Answer {
	return s.As(key).Do(r.method, r.path, r.body, append(headers, protocol.HeaderIdempotencyKey, "a key")...)
}

func TestARequestWithoutTheRightKeyIsRefused(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		development := w.s.Key(protocol.Development)
		for _, r := range w.routes() {
			for _, key := range []string{"", "tr_dev_unknown", "pk_dev_unknown", "tr_dev_servertestservertes", "tr_dev_servertestservertest2", strings.ToUpper(development.Secret)} {
				answer := r.ask(w.s, key)
				if answer.Status != http.StatusUnauthorized || answer.Error() == "" {
					t.Errorf("%s with key %q answered %d %.200s", r, key, answer.Status, answer.Body)
				}
			}
			if !r.public {
				checkRefused(t, r, r.ask(w.s, development.Public), http.StatusUnauthorized)
			}
			for _, scheme := range []string{"Basic ", "Bearer", "Bearer: ", "Bearers ", ""} {
				answer := r.ask(w.s, "", "Authorization", scheme+development.Secret)
				checkRefused(t, r, answer, http.StatusUnauthorized)
			}
		}
	})
}

func checkRefused(t *testing.T, r fmt.Stringer, answer harness.Answer, status int) {
	t.Helper()
	if answer.Status != status || answer.Error() == "" {
		t.Errorf("%s answered %d, want %d: %.300s", r, answer.Status, status, answer.Body)
	}
}

func TestWhatIsInAnotherEnvironmentIsNotThere(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		for _, r := range w.routes() {
			if r.named {
				checkRefused(t, r, r.ask(w.s, w.s.Key(protocol.Production).Secret), http.StatusNotFound)
			}
			if r.named && r.public {
				checkRefused(t, r, r.ask(w.s, w.s.Key(protocol.Production).Public), http.StatusNotFound)
			}
		}
	})
}

func TestWhatDoesNotExistIsNotThere(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		for _, path := range []string{"/api", "/api/v1", "/api/v1/run/x", "/api/v3/runs/" + w.run, "/api/v1/jobs/job", "/api/v1/runs/" + w.run + "/tasks/" + w.task, "/favicon.ico/x", "/%"} {
			if path == "/%" {
				path = "/%25"
			}
			checkRefused(t, route{path: path}, w.s.Development().Do("GET", path, nil), http.StatusNotFound)
		}
		for _, r := range w.routes() {
			if !r.named {
				continue
			}
			for _, id := range []string{w.run, w.task, w.notification, "/jobs/job/"} {
				if strings.Contains(r.path, id) {
					unknown := r
					unknown.path = strings.Replace(r.path, id, strings.ReplaceAll(id, strings.Trim(id, "/"), map[bool]string{true: "jobs/unknown", false: "unknown"}[id == "/jobs/job/"]), 1)
					checkRefused(t, unknown, unknown.ask(w.s, w.s.Key(protocol.Development).Secret), http.StatusNotFound)
				}
			}
		}
	})
}

func TestAWrongMethodIsRefused(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		allowed := map[string][]string{"/healthz": {"GET"}, "/readyz": {"GET"}, "/healthcheck": {"GET"}, w.hook[len(w.s.URL):]: {"POST"}}
		for _, r := range w.routes() {
			allowed[r.path] = append(allowed[r.path], r.method)
			if r.public || strings.HasSuffix(r.path, "/jobs/job/runs") {
				allowed[r.path] = append(allowed[r.path], "OPTIONS")
			}
		}
		for path, methods := range allowed {
			slices.Sort(methods)
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
				if slices.Contains(methods, method) {
					continue
				}
				answer := w.s.Development().Do(method, path, `{}`)
				checkRefused(t, route{method: method, path: path}, answer, http.StatusMethodNotAllowed)
				if got, want := answer.Header.Get("Allow"), strings.Join(methods, ", "); got != want {
					t.Errorf("%s %s allows %q, want %q", method, path, got, want)
				}
			}
		}
	})
}
