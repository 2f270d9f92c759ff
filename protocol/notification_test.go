package protocol_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

// awkward is JSON that every re-encoding would change: spaces, key order, the
// spelling of numbers, characters that HTML or old JavaScript mind, an escape.
const awkward = "{ \"z\" : 12345678901234567890,\n\t\"a\":1.0, \"e\":1e2,\"html\":\"<&>\",\"line\":\"\u2028\u2029\",\"half\":\"\\ud800\" }"

var noon = time.Date(2026, 1, 31, 12, 0, 0, 250_900_000, time.FixedZone("elsewhere", 3600))

func succeeded() protocol.RawRunNotification {
	return protocol.RawRunNotification{
		ID: "run_1", OK: true, Status: protocol.RunSuccess,
		Progress: []protocol.ProgressStatus{{
			Key: "copy", Label: "Copying \"it\"", State: "loading", Data: json.RawMessage(awkward),
			History: []protocol.ProgressSnapshot{{}, {Label: "Waiting", State: "loading", Data: json.RawMessage(awkward)}, {State: "failure"}},
		}, {Key: "bare", Label: "Bare"}},
		Output:    json.RawMessage(awkward),
		StartedAt: protocol.At(noon), UpdatedAt: protocol.At(noon), CompletedAt: protocol.At(noon.Add(time.Second)),
		IsTest: true, ExecutionDurationInMs: 1000, ExecutionCount: 3,
		Invocation: protocol.NotificationInvocation[json.RawMessage]{
			ID: "run_1", Payload: json.RawMessage(awkward), Timestamp: protocol.At(noon), Context: json.RawMessage(awkward),
		},
		Job:          protocol.JobReference{ID: "copy", Version: "1.0.0"},
		Environment:  protocol.EnvironmentReference{Slug: "prod", ID: "env_1", Type: protocol.Production},
		Organization: protocol.OrganizationReference{Slug: "acme", ID: "org_1", Title: "Acme <&> Sons\u2028\x01"},
		Project:      protocol.ProjectReference{Slug: "shop", ID: "proj_1", Name: "Shop"},
		Account:      &protocol.AccountReference{ID: "user_1", Metadata: json.RawMessage(awkward)},
	}
}

func failed() protocol.RawRunNotification {
	n := succeeded()
	key, icon := "charge", "credit-card"
	n.OK, n.Status, n.Output = false, protocol.RunFailure, nil
	n.Error = json.RawMessage(awkward)
	n.Task = &protocol.NotificationTask{
		ID: "task_1", CacheKey: &key, Error: json.RawMessage(awkward), Status: protocol.TaskErrored,
		Name: "Charge", Icon: &icon, StartedAt: protocol.AtOrNil(noon), Params: json.RawMessage(awkward),
	}
	return n
}

// bare has nothing optional.
func bare() protocol.RawRunNotification {
	n := failed()
	n.Progress, n.Error, n.Account, n.Invocation.Context = nil, nil, nil, nil
	n.Task = &protocol.NotificationTask{ID: "task_1", Error: json.RawMessage(`{"message":"no"}`), Status: protocol.TaskErrored}
	return n
}

var notifications = map[string]protocol.RawRunNotification{
	"a run that succeeded": succeeded(), "a run that failed": failed(), "a run with nothing optional": bare(),
}

func TestUsersValuesKeepEveryByte(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"a run that succeeded": 6, "a run that failed": 8} {
		n := notifications[name]
		body := protocol.EncodeRunNotification(&n)
		if !json.Valid(body) {
			t.Fatalf("%s: not JSON: %s", name, body)
		}
		if got := strings.Count(string(body), awkward); got != want {
			t.Errorf("%s: %d of %d values survived in %s", name, got, want, body)
		}
	}
}

// withoutMethods is encoded by encoding/json alone, from the tags.
type withoutMethods protocol.RawRunNotification

func TestTheHandWrittenDocumentIsWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	for name, n := range notifications {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The fixtures are shared, so what is changed is changed in a copy.
			n.Progress = append([]protocol.ProgressStatus{}, n.Progress...)
			for i := range n.Progress {
				if n.Progress[i].History == nil {
					n.Progress[i].History = []protocol.ProgressSnapshot{}
				}
			}
			want, err := json.Marshal(withoutMethods(n))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := json.Compact(&got, protocol.EncodeRunNotification(&n)); err != nil {
				t.Fatal(err)
			}
			var escaped bytes.Buffer
			json.HTMLEscape(&escaped, got.Bytes())
			if escaped.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", escaped.Bytes(), want)
			}
		})
	}
}

func TestADecodedNotificationEncodesToTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, n := range notifications {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := protocol.EncodeRunNotification(&n)
			var decoded protocol.RawRunNotification
			if err := json.Unmarshal(body, &decoded); err != nil {
				t.Fatal(err)
			}
			if again := protocol.EncodeRunNotification(&decoded); !bytes.Equal(again, body) {
				t.Errorf("got\n%s\nwant\n%s", again, body)
			}
			if !reflect.DeepEqual(decoded.Job, n.Job) || !decoded.StartedAt.Equal(n.StartedAt.Truncate(time.Millisecond)) {
				t.Errorf("decoded to %+v", decoded)
			}
		})
	}
}

func TestNothingIsNullThatShouldBeAbsent(t *testing.T) {
	t.Parallel()
	n := bare()
	n.Output = json.RawMessage(`"a failed run has no output"`)
	const want = `{"id":"run_1","ok":false,"status":"FAILURE","statuses":[],` +
		`"startedAt":"2026-01-31T11:00:00.250Z","updatedAt":"2026-01-31T11:00:00.250Z","completedAt":"2026-01-31T11:00:01.250Z",` +
		`"isTest":true,"executionDurationInMs":1000,"executionCount":3,` +
		`"invocation":{"id":"run_1","payload":{},"timestamp":"2026-01-31T11:00:00.250Z"},"job":{"id":"copy","version":"1.0.0"},` +
		`"task":{"id":"task_1","cacheKey":null,"error":{"message":"no"},"status":"ERRORED","icon":null,"params":null},` +
		`"environment":{"slug":"prod","id":"env_1","type":"PRODUCTION"},` +
		`"organization":{"slug":"acme","id":"org_1","title":"A"},"project":{"slug":"shop","id":"proj_1","name":"Shop"}}`
	n.Organization.Title, n.Invocation.Payload = "A", json.RawMessage(`{}`)
	if got := string(protocol.EncodeRunNotification(&n)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestASuccessfulRunHasNeitherErrorNorTask(t *testing.T) {
	t.Parallel()
	n := succeeded()
	n.Error, n.Task = failed().Error, failed().Task
	if body := string(protocol.EncodeRunNotification(&n)); strings.Contains(body, `"error"`) || strings.Contains(body, `"task"`) {
		t.Errorf("got %s", body)
	}
}

func TestEncodingTakesOneAllocation(t *testing.T) {
	for name, n := range notifications {
		if got := testing.AllocsPerRun(100, func() { protocol.EncodeRunNotification(&n) }); got > 1 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkEncodeRunNotification(b *testing.B) {
	n := failed()
	b.ReportAllocs()
	for b.Loop() {
		protocol.EncodeRunNotification(&n)
	}
}
