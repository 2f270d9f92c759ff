package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/servertest"
)

// document is docs/openapi.json. Objects that it describes may have no members but
// those: what the server tells and the document does not say is found.
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
func (d *document) check(method, path string, answer servertest.Answer) {
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
	{"GET", "/runs/{run}", "", ""},
	{"GET", "/runs/{run}", "/runs/{failed}", ""},
	{"POST", "/runs/{run}/continue", "/runs/{failed}/continue", ""},
	{"POST", "/runs/{run}/rerun", "", ""},
	{"POST", "/jobs/{job}/test", "", `{"payload":{"a":1}}`},
	{"GET", "/events", "", ""},
	{"GET", "/jobs", "", ""},
	{"GET", "/schedules", "", ""},
	{"GET", "/endpoints", "", ""},
	{"GET", "/http-endpoints", "", ""},
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
	{"DELETE", "/endpoints/{endpoint}", "", ""},
}

func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	s := servertest.Start(t, servertest.Options{})
	app := servertest.NewApp(t, s)
	scheduled := strings.Replace(servertest.Job("daily", "1.0.0"), `{"type":"invoke"}`, `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":86400}}}`, 1)
	app.SetIndex(`{"jobs":[` + servertest.Job(servertest.JobID, servertest.JobVersion) + `,` + scheduled + `],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[],
		"httpEndpoints":[{"id":"orders","version":"1.0.0","enabled":true,"event":{"name":"orders","title":"Orders","source":"shop","icon":"webhook"},"source":"shop"}]}`)
	app.Register(s.Development(), "app")
	c := s.Development()
	done := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	defer done.Close()
	subscription := c.Subscribe(done.URL, servertest.Fields{"name": "Billing", "headers": servertest.Fields{"X-Token": "a"}, "jobs": []string{"daily"}})
	failed := app.Run(nil, servertest.Always(servertest.Failure("no")), servertest.Always(servertest.Success("")))
	c.WaitRun(failed, protocol.RunFailure)
	run := app.Run(`{"payload":{"a":1},"options":{"accountId":"customer","callbackUrl":"`+done.URL+`"}}`, func(x *servertest.Execution) servertest.Reply {
		x.Complete(x.Task("step"), `{"b":1}`)
		return servertest.Success(`{"c":2}`)
	})
	c.WaitRun(run, protocol.RunSuccess)
	notification := c.WaitAttempt(run, 1)

	names := strings.NewReplacer("{run}", run, "{failed}", failed, "{job}", servertest.JobID, "{endpoint}", "app",
		"{notification}", notification.ID, "{subscription}", subscription.ID, "{receiver}", done.URL)
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
