package runhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

func TestInvokeSendsItsOptions(t *testing.T) {
	server, app := newApp(t)
	job := runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[map[string]string](),
		func(context.Context, map[string]string) (none, error) { return none{}, nil })
	cases := map[string]struct {
		options []runhook.InvokeOption
		body    string
	}{
		"none": {nil, `{"payload":{"a":"<b>"},"context":{},"options":{}}`},
		"all": {[]runhook.InvokeOption{
			runhook.CallbackURL("https://example.com/done"), runhook.AccountID("acct"),
			runhook.Context([]int{1}), runhook.IdempotencyKey("once"),
		}, `{"payload":{"a":"<b>"},"context":[1],"options":{"accountId":"acct","callbackUrl":"https://example.com/done"}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run, err := job.Invoke(t.Context(), map[string]string{"a": "<b>"}, c.options...)
			if err != nil {
				t.Fatal(err)
			}
			request := server.Requests()[0]
			if request.Method+" "+request.Path != "POST /api/v1/jobs/job/invoke" || request.Body != c.body {
				t.Errorf("sent %s %s %s, want %s", request.Method, request.Path, request.Body, c.body)
			}
			key := request.Header.Get("Idempotency-Key")
			if server.Run(run.ID).EventID != key || key == "" || name == "all" && key != "once" {
				t.Errorf("run %s has key %q", run.ID, key)
			}
		})
	}
}

func TestInvokeIsRepeatedWithoutASecondRun(t *testing.T) {
	synctestRun(t, func(t *testing.T, server *sdktest.Server, app *runhook.App) {
		job := runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](),
			func(context.Context, none) (none, error) { return none{}, nil })
		server.Fail("/invoke", 0, 1)
		server.Fail("/invoke", 503, 1)
		if _, err := job.Invoke(t.Context(), none{}); err != nil {
			t.Fatal(err)
		}
		requests := server.Requests()
		first := requests[0].Header.Get("Idempotency-Key")
		if len(requests) != 3 || first == "" || first != requests[2].Header.Get("Idempotency-Key") {
			t.Errorf("made %d requests, the first with key %q", len(requests), first)
		}
	})
}

// pair is a job that calls another.
func pair(t *testing.T, call func(ctx context.Context, child *runhook.Job[string, string]) (string, error),
	child func(ctx context.Context, name string) (string, error),
) (*sdktest.Server, *sdktest.Run) {
	server, app := newApp(t)
	childJob := runhook.NewJob(app, "child", "1.0.0", runhook.OnInvoke[string](), child, runhook.Name("The Child"))
	runhook.NewJob(app, "parent", "1.0.0", runhook.OnInvoke[none](),
		func(ctx context.Context, _ none) (string, error) { return call(ctx, childJob) })
	return server, server.Invoke("parent", "{}")
}

func greet(_ context.Context, name string) (string, error) { return "hello " + name, nil }

func TestInvokeInARunNeedsAKey(t *testing.T) {
	server, run := pair(t, func(ctx context.Context, child *runhook.Job[string, string]) (string, error) {
		invoked, err := child.Invoke(ctx, "x")
		return invoked.ID, err
	}, greet)
	server.Settle()
	if got := runError(t, run).Message; !strings.Contains(got, "use InvokeTask or InvokeAndWait") {
		t.Errorf("message %q", got)
	}
}

func TestInvokeTaskStartsOneRun(t *testing.T) {
	server, run := pair(t, func(ctx context.Context, child *runhook.Job[string, string]) (string, error) {
		invoked, err := child.InvokeTask(ctx, "call", "x", runhook.AccountID("acct"))
		if err != nil {
			return "", err
		}
		return invoked.ID, runhook.Sleep(ctx, "pause", time.Hour)
	}, greet)
	settleFor(server, run, time.Hour, 1)
	wantOutput(t, run, `"run_2"`)
	task := run.Tasks()[0]
	child := server.Run("run_2")
	if server.Run("run_3") != nil || child.EventID != task.IdempotencyKey || child.Invocation.Options.AccountID != "acct" {
		t.Errorf("the child is %+v", child)
	}
	if got := task.OutputProperties[0]; got.Text != "run_2" || got.URL != "/orgs/acme/projects/web/jobs/child/runs/run_2/trigger" {
		t.Errorf("the task shows %+v", got)
	}
}

func TestInvokeAndWaitReturnsHowTheRunEnded(t *testing.T) {
	for name, c := range map[string]struct {
		child func(context.Context, string) (string, error)
		want  string
	}{
		"well":  {greet, "hello Ann"},
		"badly": {func(context.Context, string) (string, error) { return "", errors.New("no") }, "run_2 FAILURE run run_2 ended as FAILURE: no"},
	} {
		t.Run(name, func(t *testing.T) {
			server, run := pair(t, func(ctx context.Context, child *runhook.Job[string, string]) (string, error) {
				output, err := child.InvokeAndWait(ctx, "call", "Ann", runhook.Timeout(time.Hour))
				var failed *runhook.RunError
				if errors.As(err, &failed) {
					return failed.ID + " " + string(failed.Status) + " " + failed.Error(), nil
				}
				return output, err
			}, c.child)
			run.Execute()
			run.Execute() // asks again, which starts nothing
			server.Settle()
			wantOutput(t, run, `"`+c.want+`"`)
			wantAnswers(t, run, "RESUME_WITH_TASK RESUME_WITH_TASK SUCCESS")
			if echo := run.Answers[0].Task; len(echo.OutputProperties) != 1 || echo.OutputProperties[0].Text != "run_2" {
				t.Errorf("the waiting task shows %+v", echo)
			}
		})
	}
}

func TestInvokeAndWaitFailsAfterItsTimeout(t *testing.T) {
	server, run := pair(t, func(ctx context.Context, child *runhook.Job[string, string]) (string, error) {
		_, err := child.InvokeAndWait(ctx, "call", "Ann", runhook.Timeout(time.Minute))
		if failed := new(runhook.RunError); errors.As(err, &failed) || !errors.Is(err, runhook.ErrTimeout) {
			return "", errors.New("it is taken for a run that failed")
		}
		return "", err
	}, func(ctx context.Context, _ string) (string, error) { return "", runhook.Sleep(ctx, "pause", time.Hour) })
	settleFor(server, run, time.Minute, 1)
	if failed := runError(t, run); failed.Message != "Remote callback timeout - no requests received" {
		t.Errorf("failed with %+v", failed)
	}
}

func TestAnInvocationThatIsRefusedFailsTheTask(t *testing.T) {
	server, run := pair(t, func(ctx context.Context, child *runhook.Job[string, string]) (string, error) {
		_, err := child.InvokeAndWait(ctx, "call", "Ann")
		return "", err
	}, greet)
	server.Fail("/invoke", 404, 1)
	server.Settle()
	if got := runError(t, run).Message; !strings.Contains(got, "404 Not Found: injected fault") {
		t.Errorf("message %q", got)
	}
	if status := run.Tasks()[0].Status; status != protocol.TaskErrored {
		t.Errorf("the task is %s", status)
	}
}
