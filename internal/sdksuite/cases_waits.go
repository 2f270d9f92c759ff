package sdksuite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
)

// post answers the request that a run waits for.
func post(body string) step {
	return func(t *testing.T, app *app, _ string) {
		app.mu.Lock()
		address, err := url.Parse(app.url)
		app.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := app.server.Post(t, address.Path, "", body); status != http.StatusOK {
			t.Errorf("the request was answered %d %s", status, answer)
		}
	}
}

func send(event string) step {
	return func(t *testing.T, app *app, _ string) {
		if status, answer := app.server.Post(t, "/api/v1/events", "", `{"event":`+event+`}`); status != http.StatusOK {
			t.Errorf("the event was answered %d %s", status, answer)
		}
	}
}

func cancel(t *testing.T, app *app, id string) {
	if status, answer := app.server.Post(t, "/api/v1/runs/"+id+"/cancel", "", ""); status != http.StatusOK {
		t.Errorf("the cancellation was answered %d %s", status, answer)
	}
}

func waitCases() []testCase {
	invokeAndWait := func(ctx context.Context, app *app, input string) (any, error) {
		output, err := app.child.InvokeAndWait(ctx, "call", input, runhook.Timeout(time.Hour))
		var failed *runhook.RunError
		switch {
		case errors.Is(err, runhook.ErrTimeout):
			return "too late", nil
		case errors.As(err, &failed):
			return []any{failed.Status, strings.HasSuffix(err.Error(), ": the child fails")}, nil
		}
		return output, err
	}
	waitForRequest := func(ctx context.Context, app *app, _ string) (any, error) {
		answer, err := runhook.WaitForRequest[int](ctx, "ask", func(ctx context.Context, url string) error {
			app.setURL(url)
			return nil
		}, runhook.Timeout(time.Hour))
		if errors.Is(err, runhook.ErrTimeout) {
			return "no answer", nil
		}
		return answer, err
	}
	waitForEvent := func(ctx context.Context, _ *app, name string) (any, error) {
		event, err := runhook.WaitForEvent[int](ctx, "event", name, runhook.Timeout(time.Hour), runhook.AccountID("a"))
		if errors.Is(err, runhook.ErrTimeout) {
			return "no event", nil
		}
		return event.Payload, err
	}
	const name, wait = "Manually Invoke 'child' and wait for completion", "Wait for request"
	return []testCase{
		{name: "a run that waits for another", payload: "work", run: invokeAndWait,
			want: want{output: `"work is done"`, tasks: name + " COMPLETED", executions: 2}},
		{name: "a run that waits for one that fails", payload: "fail", run: invokeAndWait,
			want: want{output: `["FAILURE",true]`, tasks: name + " COMPLETED", executions: 2}},
		{name: "a run that waits for another for too long", payload: "sleep", run: invokeAndWait, steps: []step{advance(time.Hour)},
			want: want{output: `"too late"`, tasks: name + " ERRORED", executions: 2}},
		{name: "a run that starts another", run: func(ctx context.Context, app *app, _ string) (any, error) {
			first, err := app.child.InvokeTask(ctx, "call", "work", runhook.IdempotencyKey("started once"))
			if err != nil {
				return nil, err
			}
			second, err := app.child.InvokeTask(ctx, "again", "work", runhook.IdempotencyKey("started once"))
			return first == second && first.ID != "", err
		}, want: want{output: "true", tasks: "Manually Invoke 'child' COMPLETED, Manually Invoke 'child' COMPLETED", executions: 1}},
		{name: "a request that comes", run: waitForRequest, steps: []step{post("5")},
			want: want{output: "5", tasks: wait + " COMPLETED 5", executions: 2}},
		{name: "a request that does not come", run: waitForRequest, steps: []step{advance(time.Hour)},
			want: want{output: `"no answer"`, tasks: wait + " ERRORED", executions: 2}},
		{name: "an event that comes", payload: "suite.comes", run: waitForEvent, steps: []step{
			func(t *testing.T, app *app, id string) {
				send(`{"name":"suite.comes","payload":1}`)(t, app, id) // of no account
				status, answer := app.server.Post(t, "/api/v1/events", "", `{"event":{"name":"suite.comes","payload":2},"options":{"accountId":"a"}}`)
				if status != http.StatusOK {
					t.Errorf("the event was answered %d %s", status, answer)
				}
			},
		}, want: want{output: "2", tasks: "Wait for event COMPLETED", executions: 2}},
		{name: "an event that passes the filters of a wait", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			event, err := runhook.WaitForEvent[map[string]any](ctx, "event", "suite.filtered", runhook.Timeout(time.Hour),
				runhook.Where(filter.Object{"items": filter.Object{"sku": filter.StartsWith("A-")}, "note": filter.Missing()}),
				runhook.WhereContext(filter.Object{"test": filter.Is(true)}))
			return event.Payload["n"], err
		}, steps: []step{func(t *testing.T, app *app, id string) {
			for _, event := range []string{
				`{"name":"suite.filtered","payload":{"n":1,"items":[{"sku":"B-1"}]},"context":{"test":true}}`,
				`{"name":"suite.filtered","payload":{"n":2,"items":[{"sku":"A-1"}],"note":"x"},"context":{"test":true}}`,
				`{"name":"suite.filtered","payload":{"n":3,"items":[{"sku":"A-1"}]}}`,
				`{"name":"suite.filtered","payload":{"n":4,"items":[{"sku":"B-1"},{"sku":"A-1"}]},"context":{"test":true}}`,
			} {
				send(event)(t, app, id)
			}
		}}, want: want{output: "4", tasks: "Wait for event COMPLETED", executions: 2}},
		{name: "a wait with a filter that is none", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			_, err := runhook.WaitForEvent[any](ctx, "event", "suite.filtered", runhook.Where(filter.Raw(`{"a":5}`)))
			return strings.Contains(fmt.Sprint(err), `the filter at "payload.a" is a number`), nil
		}, want: want{output: "true", tasks: "Wait for event ERRORED", executions: 1}},
		{name: "jobs that events are for", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, runhook.Sleep(ctx, "pause", time.Hour)
		}, steps: []step{func(t *testing.T, app *app, id string) {
			for n, c := range []struct {
				payload, context string
				runs             int
			}{
				{`{"amount":100,"customer":{"name":"émile"}}`, `{"shop":"a"}`, 1},
				{`{"amount":999.5,"customer":[{"name":"x"},{"name":"Émile"}]}`, `{"shop":"b","more":1}`, 1},
				{`{"amount":1000,"customer":{"name":"émile"}}`, `{"shop":"a"}`, 0},
				{`{"amount":"100","customer":{"name":"émile"}}`, `{"shop":"a"}`, 0},
				{`{"amount":100,"customer":{"name":"emile"}}`, `{"shop":"a"}`, 0},
				{`{"amount":100}`, `{"shop":"a"}`, 0},
				{`{"amount":100,"customer":{"name":"émile"}}`, `{"shop":"c"}`, 0},
				{`{"amount":100,"customer":{"name":"émile"}}`, `{}`, 0},
				{`null`, `{"shop":"a"}`, 0},
			} {
				event := fmt.Sprintf("paid %d", n)
				send(fmt.Sprintf(`{"id":%q,"name":"suite.paid","payload":%s,"context":%s}`, event, c.payload, c.context))(t, app, id)
				var got protocol.EventDetails
				app.server.Get(t, "/api/v2/events/"+url.PathEscape(event), &got)
				if len(got.Runs) != c.runs {
					t.Errorf("the event %s with context %s started %d runs, want %d", c.payload, c.context, len(got.Runs), c.runs)
				}
			}
			app.server.Advance(time.Hour)
		}}, want: want{output: "null", tasks: "wait COMPLETED", executions: 2}},
		{name: "an event that does not come", payload: "suite.never", run: waitForEvent, steps: []step{advance(time.Hour)},
			want: want{output: `"no event"`, tasks: "Wait for event ERRORED", executions: 2}},
		{name: "a run that is canceled while it waits", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			return nil, errors.Join(runhook.Do(ctx, "a", done), runhook.Sleep(ctx, "pause", time.Hour))
		}, steps: []step{cancel}, want: want{status: protocol.RunCanceled, tasks: "a COMPLETED, wait CANCELED", executions: 1}},
		{name: "a store", run: func(ctx context.Context, _ *app, _ string) (any, error) {
			var n int
			if err := runhook.RunStore(ctx).Set(ctx, "n", 3); err != nil {
				return nil, err
			}
			found, err := runhook.RunStore(ctx).Get(ctx, "n", &n)
			return []any{found, n}, err
		}, want: want{output: "[true,3]", tasks: `get n COMPLETED {"found":true,"value":3}, set n COMPLETED`, executions: 1}},
	}
}
