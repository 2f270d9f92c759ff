package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// journal is a middleware that notes what it is around.
type journal struct {
	lines []string
	// end replaces the errors of executions.
	end func(error) error
}

type journalKey struct{}

func (j *journal) note(format string, args ...any) {
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() string {
	text := strings.Join(j.lines, "\n")
	j.lines = nil
	return text
}

// middleware notes under a name, which is also a value of the ctx.
func (j *journal) middleware(name string) runhook.Middleware {
	with := func(ctx context.Context) context.Context {
		outer, _ := ctx.Value(journalKey{}).(string)
		return context.WithValue(ctx, journalKey{}, outer+"/"+name)
	}
	outcome := func(err error) string {
		for _, known := range []error{runhook.ErrCanceled, runhook.ErrSuspended, runhook.ErrInvalidPayload} {
			if errors.Is(err, known) {
				return known.Error()
			}
		}
		return fmt.Sprint(err)
	}
	return runhook.Middleware{
		Execution: func(next runhook.ExecutionHandler) runhook.ExecutionHandler {
			return func(ctx context.Context, e runhook.Execution) error {
				j.note("%s: execution of %s %s", name, e.Run.Job.ID, e.Run.ID)
				err := next(with(ctx), e)
				j.note("%s: execution: %s", name, outcome(err))
				if j.end != nil {
					return j.end(err)
				}
				return err
			}
		},
		Task: func(next runhook.TaskHandler) runhook.TaskHandler {
			return func(ctx context.Context, task runhook.TaskExecution) error {
				j.note("%s: task %s, attempt %d, waits %v, in %v", name, task.Task.Key, task.Task.Attempt, task.Waits, ctx.Value(journalKey{}))
				err := next(with(ctx), task)
				j.note("%s: task %s: %s", name, task.Task.Key, outcome(err))
				return err
			}
		},
	}
}

// wrapped is an app with middleware and one job, with its first run.
func wrapped[Payload, Output any](t *testing.T, middleware []runhook.Middleware, run func(ctx context.Context, payload Payload) (Output, error), options ...runhook.JobOption) (*sdktest.Server, *sdktest.Run) {
	t.Helper()
	server := sdktest.New()
	app := runhook.New(runhook.Config{
		ID: "shop", APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client(),
		Logger: slog.New(slog.DiscardHandler), Now: server.Now, Middleware: middleware,
	})
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[Payload](), run, options...)
	server.Serve(app)
	return server, server.Invoke("job", `{}`)
}

func TestMiddlewareIsAroundExecutionsAndTasksThatAreCalled(t *testing.T) {
	var j journal
	server, run := wrapped(t, []runhook.Middleware{j.middleware("app"), {}}, func(ctx context.Context, _ none) (string, error) {
		inside, err := runhook.Task(ctx, "charge", func(ctx context.Context) (string, error) {
			if runhook.CurrentTask(ctx).Attempt == 1 {
				return "", errors.New("declined")
			}
			return ctx.Value(journalKey{}).(string), nil
		}, runhook.RetryPolicy{NoJitter: true})
		if err != nil {
			return "", err
		}
		return inside + " in " + ctx.Value(journalKey{}).(string), runhook.Sleep(ctx, "pause", time.Hour)
	}, j.middleware("job"))
	server.Settle()
	want := `app: execution of job run_1
job: execution of job run_1
app: task charge, attempt 1, waits false, in /app/job
job: task charge, attempt 1, waits false, in /app/job/app
job: task charge: declined
app: task charge: declined
job: execution: ` + runhook.ErrSuspended.Error() + `
app: execution: ` + runhook.ErrSuspended.Error()
	if got := j.take(); got != want {
		t.Errorf("noted\n%s\nwant\n%s", got, want)
	}
	server.Advance(time.Second)
	server.Settle()
	j.take()
	server.Advance(time.Hour)
	server.Settle()
	wantOutput(t, run, `"/app/job/app/job in /app/job"`)
	want = `app: execution of job run_1
job: execution of job run_1
job: execution: <nil>
app: execution: <nil>`
	if got := j.take(); got != want { // the task is on record, and a pause has no function
		t.Errorf("noted\n%s\nwant\n%s", got, want)
	}
}

func TestMiddlewareSeesHowExecutionsEnd(t *testing.T) {
	type strict struct {
		ID string `json:"id"`
	}
	ends := map[string]struct {
		run  func(ctx context.Context) error
		want string
	}{
		"a swallowed suspension": {func(ctx context.Context) error { _ = runhook.Sleep(ctx, "pause", time.Hour); return nil }, runhook.ErrSuspended.Error()},
		"a panic":                {func(context.Context) error { panic("broken") }, "panic: broken"},
		"an error":               {func(context.Context) error { return io.ErrUnexpectedEOF }, io.ErrUnexpectedEOF.Error()},
	}
	for name, c := range ends {
		var j journal
		server, _ := wrapped(t, []runhook.Middleware{j.middleware("app")}, func(ctx context.Context, _ none) (none, error) { return none{}, c.run(ctx) })
		server.Settle()
		if got := j.take(); !strings.HasSuffix(got, "app: execution: "+c.want) {
			t.Errorf("%s: noted %s", name, got)
		}
	}
	var j journal
	server, _ := wrapped(t, []runhook.Middleware{j.middleware("app")}, func(context.Context, strict) (none, error) { return none{}, nil })
	server.Settle()
	if got := j.take(); !strings.HasSuffix(got, runhook.ErrInvalidPayload.Error()) {
		t.Errorf("an invalid payload: noted %s", got)
	}
}

func TestMiddlewareIsGivenTheHeadersOfTheExecutionWithoutTheKey(t *testing.T) {
	var header http.Header
	server, run := wrapped(t, []runhook.Middleware{{Execution: func(next runhook.ExecutionHandler) runhook.ExecutionHandler {
		return func(ctx context.Context, e runhook.Execution) error {
			header = e.Header
			return next(ctx, e)
		}
	}}}, func(context.Context, none) (none, error) { return none{}, nil })
	server.Header = http.Header{"Traceparent": {"00-1-2-01"}}
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	if header.Get("traceparent") != "00-1-2-01" || header.Get(protocol.HeaderAPIKey) != "" {
		t.Errorf("the headers are %v", header)
	}
}

func TestRequestsInARunCarryTheValuesOfMiddleware(t *testing.T) {
	var j journal
	var seen []string
	server := sdktest.New()
	http := server.Client()
	inner := http.Transport
	http.Transport = roundTrip(func(r *wireRequest) (*wireResponse, error) {
		name, _ := r.Context().Value(journalKey{}).(string)
		seen = append(seen, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]+" in "+name)
		return inner.RoundTrip(r)
	})
	app := runhook.New(runhook.Config{
		ID: "shop", APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: http, Now: server.Now,
		Logger: slog.New(slog.DiscardHandler), Middleware: []runhook.Middleware{j.middleware("app")},
	})
	child := runhook.NewJob(app, "child", "1.0.0", runhook.OnInvoke[none](), func(context.Context, none) (none, error) { return none{}, nil })
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (none, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		_, err := child.InvokeTask(ctx, "call", none{})
		return none{}, err
	})
	server.Serve(app)
	server.Invoke("job", `{}`).Execute()
	if got, want := strings.Join(seen, ", "), "tasks in /app, invoke in /app/app, complete in /app"; got != want {
		t.Errorf("requests: %s, want %s", got, want)
	}
}

type (
	wireRequest  = http.Request
	wireResponse = http.Response
)

type roundTrip func(*wireRequest) (*wireResponse, error)

func (f roundTrip) RoundTrip(r *wireRequest) (*wireResponse, error) { return f(r) }

func TestMiddlewareMayReplaceErrorsButMakesNoSuccess(t *testing.T) {
	errOther := errors.New("something else")
	sleep := func(ctx context.Context) error { return runhook.Sleep(ctx, "pause", time.Hour) }
	cases := map[string]struct {
		run  func(ctx context.Context) error
		end  func(error) error
		want string
	}{
		"a failure that is replaced":   {func(context.Context) error { return errors.New("broken") }, func(err error) error { return fmt.Errorf("traced: %w", err) }, "ERROR traced: broken"},
		"a failure that is dropped":    {func(context.Context) error { return errors.New("broken") }, func(error) error { return nil }, "ERROR broken"},
		"a success that fails":         {func(context.Context) error { return nil }, func(error) error { return errOther }, "ERROR something else"},
		"a suspension that is dropped": {sleep, func(error) error { return nil }, "RESUME_WITH_TASK"},
		"a suspension that fails":      {sleep, func(error) error { return errOther }, "RESUME_WITH_TASK"},
		"a panic":                      {func(context.Context) error { return nil }, func(error) error { panic("of the middleware") }, "ERROR panic: of the middleware"},
	}
	for name, c := range cases {
		j := journal{end: c.end}
		server, run := wrapped(t, []runhook.Middleware{j.middleware("app")}, func(ctx context.Context, _ none) (none, error) { return none{}, c.run(ctx) })
		server.Settle()
		got := answers(run)
		if failed := run.Answers[0].Error; failed != nil {
			got += " " + failed.Message
		}
		if got != c.want {
			t.Errorf("%s: the answer is %s, want %s", name, got, c.want)
		}
	}
}

func TestMiddlewareThatDoesNotCallNextOnceFails(t *testing.T) {
	handlers := map[string]struct {
		handle func(ctx context.Context, next runhook.TaskHandler, task runhook.TaskExecution) error
		want   string
	}{
		"not at all": {func(context.Context, runhook.TaskHandler, runhook.TaskExecution) error { return nil }, "without calling next"},
		"without what was given": {func(ctx context.Context, next runhook.TaskHandler, _ runhook.TaskExecution) error {
			return next(ctx, runhook.TaskExecution{})
		}, "did not pass on"},
		"twice": {func(ctx context.Context, next runhook.TaskHandler, task runhook.TaskExecution) error {
			_ = next(ctx, task)
			return next(ctx, task)
		}, "called next twice"},
		"with an error instead": {func(context.Context, runhook.TaskHandler, runhook.TaskExecution) error {
			return errors.New("not today")
		}, "not today"},
	}
	for name, c := range handlers {
		calls := 0
		server, run := wrapped(t, []runhook.Middleware{{Task: func(next runhook.TaskHandler) runhook.TaskHandler {
			return func(ctx context.Context, task runhook.TaskExecution) error { return c.handle(ctx, next, task) }
		}}}, func(ctx context.Context, _ none) (none, error) { return runhook.Task(ctx, "a", once(&calls, none{})) })
		server.Settle()
		if failed := runError(t, run); !strings.Contains(failed.Message, c.want) || calls > 1 {
			t.Errorf("%s: %d calls, failed with %+v", name, calls, failed)
		}
	}
}

func TestMiddlewareMayMakeAnErrorFinal(t *testing.T) {
	server, run := wrapped(t, []runhook.Middleware{{Task: func(next runhook.TaskHandler) runhook.TaskHandler {
		return func(ctx context.Context, task runhook.TaskExecution) error {
			return runhook.NonRetryable(next(ctx, task))
		}
	}}}, func(ctx context.Context, _ none) (none, error) {
		return none{}, runhook.Do(ctx, "a", func(context.Context) error { return errors.New("broken") }, runhook.RetryPolicy{})
	})
	server.Settle()
	wantAnswers(t, run, "ERROR")
}
