package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store/sqlite"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// document is docs/openapi.json. Objects that it describes may have no members but
// those: what the server returns and the document does not have is found.
type document struct {
	t          *testing.T
	compiler   *jsonschema.Compiler
	operations map[string][]string // by path, the methods that were not asked for yet
}

const documentURL = "file:///openapi.json"

func readDocument(t *testing.T) *document {
	t.Helper()
	text, err := os.ReadFile("../../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{t: t, compiler: jsonschema.NewCompiler(), operations: map[string][]string{}}
	members := parsed.(map[string]any)
	for path, operations := range members["paths"].(map[string]any) {
		for method := range operations.(map[string]any) {
			d.operations[path] = append(d.operations[path], strings.ToUpper(method))
		}
	}
	forbidOthers(members["paths"])
	forbidOthers(members["components"])
	if err := d.compiler.AddResource(documentURL, parsed); err != nil {
		t.Fatal(err)
	}
	return d
}

// forbidOthers forbids all objects in a part of the document the members that they are
// not said to have.
func forbidOthers(part any) {
	switch part := part.(type) {
	case []any:
		for _, element := range part {
			forbidOthers(element)
		}
	case map[string]any:
		_, open := part["additionalProperties"]
		if _, ok := part["properties"].(map[string]any); ok && part["type"] == "object" && !open {
			part["additionalProperties"] = false
		}
		for _, member := range part {
			forbidOthers(member)
		}
	}
}

// check validates an answer of 200 to an operation.
func (d *document) check(method, path string, answer harness.Answer) {
	d.t.Helper()
	checkStatus(d.t, answer, 200)
	escaped := strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(path)
	d.validate(method, path, "/paths/"+escaped+"/"+strings.ToLower(method)+"/responses/200/content/application~1json/schema", answer.Body)
}

// validate validates an answer by the schema at a place in the document.
func (d *document) validate(method, path, pointer string, text []byte) {
	d.t.Helper()
	schema, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		d.t.Fatalf("%s %s answered %.300s: %v", method, path, text, err)
	}
	if err := schema.Validate(value); err != nil {
		d.t.Errorf("%s %s answered %s, which docs/openapi.json does not allow: %v", method, path, text, err)
	}
	for i, open := range d.operations[path] {
		if open == method {
			d.operations[path] = append(d.operations[path][:i:i], d.operations[path][i+1:]...)
			break
		}
	}
}

// visit is a request for an operation.
type visit struct{ method, path, target, body string }

// visits are requests for every operation that answers at once, in an order in
// which each succeeds. Names in braces stand for what there is.
var visits = []visit{
	{"GET", "/runs", "", ""},
	{"POST", "/runs", "", `{"runs":[{"job":"{job}","payload":{"a":2}}]}`},
	{"GET", "/runs/{run}", "", ""},
	{"GET", "/runs/{run}", "/runs/{failed}", ""},
	{"GET", "/runs/{run}", "/runs/{parent}", ""},
	{"GET", "/runs/{run}/why", "/runs/{parent}/why", ""},
	{"POST", "/runs/{run}/continue", "/runs/{failed}/continue", ""},
	{"POST", "/runs/{run}/rerun", "", ""},
	{"POST", "/jobs/{job}/test", "", `{"payload":{"a":1}}`},
	{"GET", "/events", "", ""},
	{"POST", "/events/{event}/retry", "/events/aside/retry", ""},
	{"GET", "/jobs", "", ""},
	{"GET", "/schedules", "", ""},
	{"POST", "/schedules/{schedule}/retry", "/schedules/{daily}/retry", ""},
	{"POST", "/schedules/{schedule}/dismiss", "/schedules/{weekly}/dismiss", ""},
	{"GET", "/endpoints", "", ""},
	{"GET", "/http-endpoints", "", ""},
	{"GET", "/sources", "", ""},
	{"GET", "/webhooks", "", ""},
	{"GET", "/notifications", "", ""},
	{"GET", "/notifications/feed", "", ""},
	{"GET", "/notifications/{notification}", "", ""},
	{"POST", "/notifications/{notification}/resend", "", ""},
	{"POST", "/notifications/replay", "", `{"subscription":"{subscription}","since":"2020-01-01T00:00:00Z"}`},
	{"GET", "/subscriptions", "", ""},
	{"GET", "/subscriptions/{subscription}", "", ""},
	{"PATCH", "/subscriptions/{subscription}", "", `{"name":"Other","maximumPerSecond":2.5}`},
	{"POST", "/subscriptions", "", `{"url":"{receiver}","name":"All","jobs":["job"],"statuses":["SUCCESS"],"filter":{"ok":[true]},"headers":{"A":"b"},"schedule":[0,1.5],"retryClientErrors":false,"maximumConcurrency":1,"maximumPerSecond":1,"signature":"v1a"}`},
	{"POST", "/subscriptions/dry-run", "", `{}`},
	{"POST", "/subscriptions/{subscription}/rotate", "", `{"overlapSeconds":60}`},
	{"POST", "/subscriptions/{subscription}/test", "", ""},
	{"DELETE", "/subscriptions/{subscription}", "", ""},
	{"GET", "/storage", "", ""},
	{"GET", "/doctor", "", ""},
	{"GET", "/set-aside", "", ""},
	{"POST", "/set-aside/{kind}/{id}/release", "/set-aside/events/{poison}/release", ""},
	{"DELETE", "/endpoints/{endpoint}", "", ""},
}

// setAside sets the event and the schedules of a database aside that no server has
// open. The tick of one schedule is known.
func setAside(t *testing.T, path string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	handle, err := db.OpenSQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	for _, statement := range []string{
		`UPDATE events SET set_aside_at = created_at, error = 'it is refused' WHERE event_id = 'aside'`,
		`UPDATE schedules SET set_aside_at = created_at, error = 'it is refused'`,
		`UPDATE events SET due_at = 253402300799000000 WHERE event_id = 'poison'`,
		`INSERT INTO lost_claims SELECT 'events', id, 5, 5, 0, created_at, created_at, 'it panics' FROM events WHERE event_id = 'poison'`,
		`UPDATE schedules SET missed_tick_at = created_at WHERE target_id = (SELECT id FROM jobs WHERE slug = 'weekly')`,
	} {
		if _, err := handle.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	path := filepath.Join(t.TempDir(), "runhook.db")
	options := harness.Options{Database: "sqlite:" + path}
	s := harness.Start(t, options)
	app := harness.NewApp(t, s)
	scheduled := func(id string) string {
		return strings.Replace(harness.Job(id, "1.0.0"), `{"type":"invoke"}`, `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":86400}}}`, 1)
	}
	app.SetIndex(`{"jobs":[` + harness.Job(harness.JobID, harness.JobVersion) + `,` + scheduled("daily") + `,` + scheduled("weekly") + `],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[],
		"httpEndpoints":[{"id":"orders","version":"1.0.0","enabled":true,"event":{"name":"orders","title":"Orders","source":"shop","icon":"webhook"},"source":"shop"}]}`)
	app.Register(s.Development(), "app")
	s.Development().OK("POST", "/api/v1/events", `{"event":{"id":"aside","name":"aside"}}`, nil)
	s.Development().OK("POST", "/api/v1/events", `{"event":{"id":"poison","name":"poison"},"options":{"deliverAfter":86400}}`, nil)
	s.Stop()
	setAside(t, path)
	options.Clock = s.Clock
	s = harness.Start(t, options)
	app = app.Move(s)
	c := s.Development()
	var listed struct{ Schedules []struct{ ID, Job string } }
	c.OK("GET", "/api/runhook/v1/schedules", nil, &listed)
	var poison struct{ SetAside []struct{ ID string } }
	c.OK("GET", "/api/runhook/v1/set-aside", nil, &poison)
	if len(poison.SetAside) != 1 {
		t.Fatalf("set aside are %+v", poison.SetAside)
	}
	schedules := []string{"{poison}", poison.SetAside[0].ID}
	for _, l := range listed.Schedules {
		schedules = append(schedules, "{"+l.Job+"}", l.ID)
	}
	done := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	defer done.Close()
	subscription := c.Subscribe(done.URL, harness.Fields{"name": "Billing", "headers": harness.Fields{"X-Token": "a"}, "jobs": []string{"daily"}})
	failed := app.Run(nil, harness.Always(harness.Failure("no")), harness.Always(harness.Success("")))
	c.WaitRun(failed, protocol.RunFailure)
	run := app.Run(`{"payload":{"a":1},"options":{"accountId":"customer","callbackUrl":"`+done.URL+`"}}`, func(x *harness.Execution) harness.Reply {
		x.Complete(x.Task("step"), `{"b":1}`)
		return harness.Success(`{"c":2}`)
	})
	c.WaitRun(run, protocol.RunSuccess)
	notification := c.WaitAttempt(run, 1)
	parent := waitingParent(c, app)

	names := strings.NewReplacer(append(schedules, "{run}", run, "{failed}", failed, "{parent}", parent, "{job}", harness.JobID, "{endpoint}", "app",
		"{notification}", notification.ID, "{subscription}", subscription.ID, "{receiver}", done.URL)...)
	const prefix = "/api/runhook/v1"
	for _, v := range visits {
		if v.target == "" {
			v.target = v.path
		}
		answer := c.Do(v.method, prefix+names.Replace(v.target), names.Replace(v.body))
		d.check(v.method, prefix+v.path, answer)
		if started := (protocol.InvokedRun{}); v.method == "POST" && json.Unmarshal(answer.Body, &started) == nil && strings.HasPrefix(started.ID, "run_") {
			c.WaitRun(started.ID, protocol.RunSuccess) // before its app is removed
		}
	}
	refused := c.Do("GET", prefix+"/runs/run_none", nil)
	checkStatus(t, refused, 404)
	d.validate("GET", prefix+"/runs/{run}", "/components/responses/Error/content/application~1json/schema", refused.Body)
	delete(d.operations, prefix+"/live") // a stream; see TestWatching
	for path, methods := range d.operations {
		if len(methods) > 0 {
			t.Errorf("%v %s is in docs/openapi.json, but no answer to it was checked: add it to visits", methods, path)
		}
	}
}
