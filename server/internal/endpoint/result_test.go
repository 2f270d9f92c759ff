package endpoint_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
)

const (
	echo      = `{"id":"task_1","name":"t","noop":false,"status":"WAITING","icon":null,"outputProperties":[{"label":"l","text":"x"}]}`
	thrown    = `{"message":"boom","name":"Error","stack":"at x"}`
	yieldData = `"location":"start_task","timeRemaining":12.5,"timeElapsed":100.25,"limit":59650`
)

func TestExecuteReadsEveryStatus(t *testing.T) {
	task := `"task":{"id":"task_1","outputProperties":[{"label":"l","text":"x"}]}`
	tests := []struct {
		name, body, want string
	}{
		{"SUCCESS with an output keeps its bytes", `{"status":"SUCCESS","output":{"b":12345678901234567890,"a":1.50}}`, `{"status":"SUCCESS","output":{"b":12345678901234567890,"a":1.50}}`},
		{"SUCCESS with null is not SUCCESS with nothing", `{"status":"SUCCESS","output":null}`, `{"status":"SUCCESS","output":null}`},
		{"SUCCESS with nothing", `{"status":"SUCCESS"}`, `{"status":"SUCCESS"}`},
		{"ERROR", `{"status":"ERROR","error":` + thrown + `}`, `{"status":"ERROR","error":{"message":"boom","name":"Error","stack":"at x"}}`},
		{"ERROR with its task", `{"status":"ERROR","error":{"message":"m"},"task":` + echo + `}`, `{"status":"ERROR","error":{"message":"m"},` + task + `}`},
		{"RESUME_WITH_TASK", `{"status":"RESUME_WITH_TASK","task":` + echo + `}`, `{"status":"RESUME_WITH_TASK",` + task + `}`},
		{"RETRY_WITH_TASK", `{"status":"RETRY_WITH_TASK","task":{"id":"t"},"error":{"message":"m"},"retryAt":"2026-01-31T12:00:00.000Z"}`, `{"status":"RETRY_WITH_TASK","error":{"message":"m"},"task":{"id":"t"},"retryAt":"2026-01-31T12:00:00.000Z"}`},
		{"CANCELED", `{"status":"CANCELED","task":{"id":"t"}}`, `{"status":"CANCELED","task":{"id":"t"}}`},
		{"YIELD_EXECUTION", `{"status":"YIELD_EXECUTION","key":"k"}`, `{"status":"YIELD_EXECUTION","key":"k"}`},
		{"AUTO_YIELD_EXECUTION", `{"status":"AUTO_YIELD_EXECUTION",` + yieldData + `}`, `{"status":"AUTO_YIELD_EXECUTION",` + yieldData + `}`},
		{"AUTO_YIELD_EXECUTION without a limit", `{"status":"AUTO_YIELD_EXECUTION","location":"x","timeRemaining":1,"timeElapsed":2}`, `{"status":"AUTO_YIELD_EXECUTION","location":"x","timeRemaining":1,"timeElapsed":2}`},
		{"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK", `{"status":"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK","id":"t","output":"{\"a\":1}","properties":[],"data":{"location":"x","timeRemaining":1,"timeElapsed":2}}`,
			`{"status":"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK","output":"{\"a\":1}","location":"x","timeRemaining":1,"timeElapsed":2,"id":"t","data":{"location":"x","timeRemaining":1,"timeElapsed":2}}`},
		{"AUTO_YIELD_RATE_LIMIT", `{"status":"AUTO_YIELD_RATE_LIMIT","reset":1700000000000}`, `{"status":"AUTO_YIELD_RATE_LIMIT","reset":1700000000000}`},
		{"INVALID_PAYLOAD", `{"status":"INVALID_PAYLOAD","errors":[{"path":["a","0"],"message":"m"}]}`, `{"status":"INVALID_PAYLOAD","errors":[{"path":["a","0"],"message":"m"}]}`},
		{"UNRESOLVED_AUTH_ERROR", `{"status":"UNRESOLVED_AUTH_ERROR","issues":{"slack":{"id":"s","error":"e"}}}`, `{"status":"UNRESOLVED_AUTH_ERROR","issues":{"slack":{"id":"s","error":"e"}}}`},
		{"RESUME_WITH_PARALLEL_TASK", `{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":"p"},"childErrors":[{"status":"RESUME_WITH_TASK","task":{"id":"c"}},{"status":"YIELD_EXECUTION","key":"k"}]}`,
			`{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":"p"},"childErrors":[{"status":"RESUME_WITH_TASK","task":{"id":"c"}},{"status":"YIELD_EXECUTION","key":"k"}]}`},
		{"members a status does not have are left out", `{"status":"YIELD_EXECUTION","key":"k","output":1,"task":7}`, `{"status":"YIELD_EXECUTION","key":"k"}`},
		{"members in other letters are other members", `{"status":"YIELD_EXECUTION","key":"k","KEY":"other"}`, `{"status":"YIELD_EXECUTION","key":"k"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outcome := execute(t, newApp(t, answering(200, test.body)))
			if outcome.Kind != endpoint.Answered {
				t.Fatalf("%s: %v", outcome.Kind, outcome.Error)
			}
			if got := mustJSON(t, outcome.Result); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestExecuteSaysWhichMemberIsWrong(t *testing.T) {
	tests := []struct {
		name, body, problem string
	}{
		{"an answer that is no object", `[]`, `expected an object, got an array`},
		{"an answer that is a number", `7`, `expected an object, got the number`},
		{"a status that is null", `{"status":null}`, `expected a string, got null at "status"`},
		{"a status that is a number", `{"status":7}`, `expected a string, got the number at "status"`},
		{"an unknown status", `{"status":"FINISHED"}`, `unknown status "FINISHED" at "status"`},
		{"ERROR without an error", `{"status":"ERROR"}`, `missing value at "error"`},
		{"ERROR without a message", `{"status":"ERROR","error":{"name":"x"}}`, `missing value at "error.message"`},
		{"ERROR with a task that is no object", `{"status":"ERROR","error":{"message":"m"},"task":"t"}`, `expected an object, got a string at "task"`},
		{"RESUME_WITH_TASK without a task", `{"status":"RESUME_WITH_TASK"}`, `missing value at "task"`},
		{"RESUME_WITH_TASK without the task's id", `{"status":"RESUME_WITH_TASK","task":{}}`, `missing value at "task.id"`},
		{"RESUME_WITH_TASK with an empty id", `{"status":"RESUME_WITH_TASK","task":{"id":""}}`, `empty value at "task.id"`},
		{"properties of the wrong type", `{"status":"RESUME_WITH_TASK","task":{"id":"t","outputProperties":[{"label":1}]}}`, `expected a string, got the number at "task.outputProperties.label"`},
		{"RETRY_WITH_TASK without a date", `{"status":"RETRY_WITH_TASK","task":{"id":"t"},"error":{"message":"m"}}`, `missing value at "retryAt"`},
		{"RETRY_WITH_TASK with no date", `{"status":"RETRY_WITH_TASK","task":{"id":"t"},"error":{"message":"m"},"retryAt":"soon"}`, `at "retryAt"`},
		{"YIELD_EXECUTION without a key", `{"status":"YIELD_EXECUTION"}`, `missing value at "key"`},
		{"AUTO_YIELD_EXECUTION without a location", `{"status":"AUTO_YIELD_EXECUTION","timeRemaining":1,"timeElapsed":1}`, `missing value at "location"`},
		{"a completed task without data", `{"status":"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK","id":"t"}`, `missing value at "data"`},
		{"a completed task with an output that is no JSON", `{"status":"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK","id":"t","output":"{","data":{` + yieldData + `}}`, `expected a string that holds JSON at "output"`},
		{"a completed task with an output that is no string", `{"status":"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK","id":"t","output":{},"data":{` + yieldData + `}}`, `expected a string, got an object at "output"`},
		{"AUTO_YIELD_RATE_LIMIT without a reset", `{"status":"AUTO_YIELD_RATE_LIMIT"}`, `missing value at "reset"`},
		{"INVALID_PAYLOAD without errors", `{"status":"INVALID_PAYLOAD"}`, `missing value at "errors"`},
		{"INVALID_PAYLOAD with errors that are no array", `{"status":"INVALID_PAYLOAD","errors":{}}`, `expected an array, got an object at "errors"`},
		{"UNRESOLVED_AUTH_ERROR without issues", `{"status":"UNRESOLVED_AUTH_ERROR"}`, `missing value at "issues"`},
		{"a parallel task without items", `{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":"p"}}`, `missing value at "childErrors"`},
		{"an item without its task", `{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":"p"},"childErrors":[{"status":"CANCELED","task":{"id":"a"}},{"status":"RESUME_WITH_TASK"}]}`, `missing value at "childErrors[1].task"`},
		{"an item that succeeded", `{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":"p"},"childErrors":[{"status":"SUCCESS"}]}`, `SUCCESS is not permitted for an item of a parallel task at "childErrors[0].status"`},
		{"a parallel item", `{"status":"RESUME_WITH_PARALLEL_TASK","task":{"id":"p"},"childErrors":[{"status":"RESUME_WITH_PARALLEL_TASK"}]}`, `RESUME_WITH_PARALLEL_TASK is not permitted`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outcome := execute(t, newApp(t, answering(200, test.body)))
			if outcome.Kind != endpoint.Failed || !strings.Contains(outcome.Error.Message, test.problem) {
				t.Errorf("%s: %v, want failed with %q", outcome.Kind, outcome.Error, test.problem)
			}
		})
	}
}

func FuzzExecuteSurvivesEveryAnswer(f *testing.F) {
	f.Add(200, `{"status":"RETRY_WITH_TASK","task":`+echo+`,"error":`+thrown+`,"retryAt":1e300}`, "2023-09-29", "{}", "1")
	f.Add(200, `{"status":"RESUME_WITH_PARALLEL_TASK","task":`+echo+`,"childErrors":[{"status":"ERROR","error":`+thrown+`}]}`, "", "null", "")
	f.Add(200, `{"status":"AUTO_YIELD_EXECUTION_WITH_COMPLETED_TASK","id":"t","output":"1","data":{`+yieldData+`}}`, "", "[]", "")
	f.Add(200, `{"status":"UNRESOLVED_AUTH_ERROR","issues":{"a":null}}`, "", "", "")
	f.Add(200, `{"status":"INVALID_PAYLOAD","errors":[null]}`, "", "", "")
	f.Add(307, `{"message":"m"}`, "\x00", "{", "http://[::1")
	f.Add(503, "Worker exceeded resource limits", "", "", "Mon, 02 Jan 2006 15:04:05 GMT")
	f.Fuzz(func(t *testing.T, status int, body, version, metadata, other string) {
		hops := 0
		c := endpoint.New(endpoint.Config{Outgoing: fake(func(*http.Request) (*http.Response, error) {
			hops++
			header := http.Header{}
			header.Set(protocol.HeaderVersion, version)
			header.Set(protocol.HeaderSDKVersion, other)
			header.Set(protocol.HeaderRunMetadata, metadata)
			header.Set("Retry-After", other)
			header.Set("Location", other)
			header.Set("X-Vercel-Error", other)
			header.Set("Cf-Ray", other)
			return &http.Response{StatusCode: status, Header: header, ContentLength: int64(len(other)), Body: io.NopCloser(strings.NewReader(body))}, nil
		})})
		target := endpoint.Target{URL: "http://app.test/api/trigger"}
		outcome := c.Execute(context.Background(), target, nil)
		switch {
		case outcome.Kind == endpoint.Answered && (outcome.Result == nil || outcome.Error != nil || status < 200 || status > 299):
			t.Fatalf("answered, but %+v", outcome)
		case outcome.Kind != endpoint.Answered && (outcome.Result != nil || outcome.Error == nil):
			t.Fatalf("not answered, but %+v", outcome)
		case outcome.Kind < endpoint.Answered || outcome.Kind > endpoint.TimedOut:
			t.Fatalf("kind %s", outcome.Kind)
		case outcome.RetryAfter < 0 || outcome.RetryAfter > endpoint.MaxRetryAfter:
			t.Fatalf("retry after %s", outcome.RetryAfter)
		case hops > 7:
			t.Fatalf("followed %d redirects", hops-1)
		}
		_, _ = c.Ping(context.Background(), target)
		_, _ = c.Validate(context.Background(), target)
		if index, err := c.Index(context.Background(), target); err == nil && string(index.Raw) != strings.TrimPrefix(body, "\ufeff") {
			t.Fatal("the document was changed")
		}
	})
}
