package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const moduleRoot = "../.."

func generated(t *testing.T) map[string][]byte {
	t.Helper()
	documents, err := generate(moduleRoot)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{}
	for _, d := range documents {
		texts[d.path] = d.text
	}
	return texts
}

func TestTheDocumentsInDocsAreCurrent(t *testing.T) {
	t.Parallel()
	for path, want := range generated(t) {
		got, err := os.ReadFile(filepath.Join(moduleRoot, path))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what protocol.RunNotification says now (%v): run go generate ./... and commit what it writes", path, err)
		}
	}
}

// node is the part of a schema that the tests look at.
type node struct {
	Type        any
	Description string
	Properties  map[string]node
	Items       *node
	Required    []string
	Enum        []string
	Pattern     string
	Format      string
}

func notificationNode(t *testing.T) node {
	t.Helper()
	var root node
	// The rules under then and else hold the schema false, which node cannot.
	if err := json.Unmarshal(generated(t)["docs/run-notification.schema.json"], &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// documented are the properties of the webhook and which of them are always
// there: those of the published page, marked as it marks them, and updatedAt
// and task.icon, which the Node SDK's types add.
var documented = []struct {
	path     string
	required bool
}{
	{"id", true}, {"ok", true}, {"status", true}, {"statuses", true}, {"output", false}, {"error", false},
	{"startedAt", true}, {"updatedAt", true}, {"completedAt", true}, {"isTest", true},
	{"executionDurationInMs", true}, {"executionCount", true},
	{"invocation", true}, {"invocation.id", true}, {"invocation.payload", true},
	{"invocation.timestamp", true}, {"invocation.context", false},
	{"job", true}, {"job.id", true}, {"job.version", true},
	{"task", false}, {"task.id", true}, {"task.cacheKey", true}, {"task.error", true}, {"task.status", true},
	{"task.name", false}, {"task.icon", true}, {"task.startedAt", false}, {"task.params", true},
	{"environment", true}, {"environment.slug", true}, {"environment.id", true}, {"environment.type", true},
	{"organization", true}, {"organization.slug", true}, {"organization.id", true}, {"organization.title", true},
	{"project", true}, {"project.slug", true}, {"project.id", true}, {"project.name", true},
	{"account", false}, {"account.id", true}, {"account.metadata", false},
	{"statuses.key", true}, {"statuses.label", true}, {"statuses.state", false}, {"statuses.data", false},
	{"statuses.history", true}, {"statuses.history.label", false}, {"statuses.history.state", false}, {"statuses.history.data", false},
}

func TestTheSchemaHasExactlyTheDocumentedProperties(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	var walk func(prefix string, n node)
	walk = func(prefix string, n node) {
		if n.Items != nil {
			walk(prefix, *n.Items)
		}
		for name, property := range n.Properties {
			path := prefix + name
			found[path] = slices.Contains(n.Required, name)
			if property.Description == "" {
				t.Errorf("%s has no description", path)
			}
			walk(path+".", property)
		}
	}
	walk("", notificationNode(t))
	for _, want := range documented {
		required, ok := found[want.path]
		if !ok || required != want.required {
			t.Errorf("%s: in the schema %v, required %v; want required %v", want.path, ok, required, want.required)
		}
		delete(found, want.path)
	}
	if len(found) > 0 {
		t.Errorf("the schema has properties that are not documented: %v", found)
	}
}

func TestTheSchemaSaysWhatValuesAreAllowed(t *testing.T) {
	t.Parallel()
	root := notificationNode(t)
	endings := []string{"SUCCESS", "FAILURE", "TIMED_OUT", "ABORTED", "CANCELED", "UNRESOLVED_AUTH", "INVALID_PAYLOAD"}
	if got := root.Properties["status"].Enum; !slices.Equal(got, endings) {
		t.Errorf("status: got %v, want %v", got, endings)
	}
	environments := []string{"PRODUCTION", "STAGING", "DEVELOPMENT", "PREVIEW"}
	if got := root.Properties["environment"].Properties["type"].Enum; !slices.Equal(got, environments) {
		t.Errorf("environment.type: got %v, want %v", got, environments)
	}
	task := root.Properties["task"].Properties
	if got := task["status"].Enum; !slices.Contains(got, "ERRORED") || !slices.Contains(got, "RUNNING") {
		t.Errorf("task.status: got %v", got)
	}
	for _, name := range []string{"cacheKey", "icon"} {
		if got := task[name].Type; !reflect.DeepEqual(got, []any{"string", "null"}) {
			t.Errorf("task.%s: got type %v, want a string or null", name, got)
		}
	}
	for _, date := range []node{
		root.Properties["startedAt"], root.Properties["updatedAt"], root.Properties["completedAt"],
		root.Properties["invocation"].Properties["timestamp"], task["startedAt"],
	} {
		if date.Type != "string" || date.Format != "date-time" || date.Pattern == "" {
			t.Errorf("got %+v, want a date", date)
		}
	}
	for _, anything := range []node{
		root.Properties["output"], root.Properties["error"], task["params"],
		root.Properties["invocation"].Properties["payload"], root.Properties["invocation"].Properties["context"],
	} {
		if anything.Type != nil {
			t.Errorf("got type %v for a value that belongs to the user", anything.Type)
		}
	}
}

func TestTheSchemaTiesOutcomeToStatus(t *testing.T) {
	t.Parallel()
	var rules struct{ If, Then, Else json.RawMessage }
	if err := json.Unmarshal(generated(t)["docs/run-notification.schema.json"], &rules); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		got        json.RawMessage
	}{
		{"if", `{"properties":{"ok":{"const":true}}}`, rules.If},
		{"then", `{"properties":{"status":{"const":"SUCCESS"},"error":false,"task":false}}`, rules.Then},
		{"else", `{"properties":{"status":{"enum":["FAILURE","TIMED_OUT","ABORTED","CANCELED","UNRESOLVED_AUTH","INVALID_PAYLOAD"]},"output":false,"error":{"type":["object","array"]}},"required":["error"]}`, rules.Else},
	} {
		var got bytes.Buffer
		if err := json.Compact(&got, c.got); err != nil || got.String() != c.want {
			t.Errorf("%s: got %s, want %s (%v)", c.name, got.String(), c.want, err)
		}
	}
}

func TestTheOpenAPIDocumentDescribesTheWebhook(t *testing.T) {
	t.Parallel()
	var document struct {
		OpenAPI  string
		Webhooks map[string]struct {
			Post struct {
				Parameters []struct {
					Name, In string
					Required bool
				}
				RequestBody struct {
					Content map[string]struct {
						Schema struct {
							Ref string `json:"$ref"`
						}
						Examples map[string]struct{ Value map[string]any }
					}
				}
				Responses map[string]any
			}
		}
		Components struct{ Schemas map[string]node }
	}
	if err := json.Unmarshal(generated(t)["docs/openapi.json"], &document); err != nil {
		t.Fatal(err)
	}
	post := document.Webhooks["runCompleted"].Post
	if !strings.HasPrefix(document.OpenAPI, "3.1.") || post.Responses["2XX"] == nil || post.Responses["default"] == nil {
		t.Errorf("got %+v", document)
	}
	required := map[string]bool{}
	for _, parameter := range post.Parameters {
		required[parameter.Name] = parameter.Required && parameter.In == "header"
	}
	// Subscriptions get the last only if they ask for it.
	for name, want := range map[string]bool{"Webhook-Id": true, "Webhook-Timestamp": true, "Webhook-Signature": true, "X-Trigger-Signature-256": false} {
		if got, listed := required[name]; got != want || !listed {
			t.Errorf("the header %s is listed: %v, required: %v, want %v", name, listed, got, want)
		}
	}
	content := post.RequestBody.Content["application/json"]
	if content.Schema.Ref != "#/components/schemas/RunNotification" || len(content.Examples) != 2 {
		t.Errorf("got body %+v", content)
	}
	if !reflect.DeepEqual(document.Components.Schemas["RunNotification"], notificationNode(t)) {
		t.Error("the body's schema is not that of docs/run-notification.schema.json")
	}
}

func TestAFieldWithoutACommentIsRefused(t *testing.T) {
	t.Parallel()
	s := source{comments: map[string]string{}, constants: map[string][]string{}}
	if _, err := notificationSchema(s); err == nil || !strings.Contains(err.Error(), "RunNotification.ID has no comment") {
		t.Errorf("got error %v", err)
	}
}
