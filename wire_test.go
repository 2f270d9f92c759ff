package runhook_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

// What the calls of this SDK send must be what the Node SDK sends for its own.
// KEY stands for the idempotency key of the parts given.
func TestTasksAreSentAsTheNodeSDKSendsThem(t *testing.T) {
	wait := func(ctx context.Context, child *runhook.Job[string, string]) error {
		_, err := child.InvokeAndWait(ctx, "k", "Ann")
		return err
	}
	const page = `"url":"/orgs/acme/projects/web/jobs/child"`
	cases := map[string]struct {
		key  []any
		call func(ctx context.Context, child *runhook.Job[string, string]) error
		want string
	}{
		"a task": {[]any{"a"}, func(ctx context.Context, _ *runhook.Job[string, string]) error {
			return runhook.Do(ctx, "a", nothing, runhook.Name("A"), runhook.Params(map[string]int{"q": 1}))
		}, `{"idempotencyKey":"KEY","displayKey":"a","noop":false,"name":"A","params":{"q":1}}`},

		"a task with all options": {[]any{"a", 1, "b"}, func(ctx context.Context, _ *runhook.Job[string, string]) error {
			_, err := runhook.Task(ctx, "a", func(context.Context) (none, error) { return none{}, nil },
				runhook.Key(1), runhook.Key("b"), runhook.Icon("i"), runhook.Description("d"),
				runhook.Properties{{Label: "l", Text: "t"}}, runhook.Redact{"x.y"},
				runhook.RetryPolicy{MaxAttempts: 3, BackoffCoefficient: 2, InitialInterval: 1500 * time.Millisecond, MaxInterval: time.Minute, NoJitter: true})
			return err
		}, `{"idempotencyKey":"KEY","noop":false,"name":"a","icon":"i","description":"d","properties":[{"label":"l","text":"t"}],` +
			`"retry":{"limit":3,"factor":2,"minTimeoutInMs":1500,"maxTimeoutInMs":60000,"randomize":false},"redact":{"paths":["x.y"]}}`},

		"a wait": {[]any{"w"}, func(ctx context.Context, _ *runhook.Job[string, string]) error {
			return runhook.Sleep(ctx, "w", 90*time.Second)
		}, `{"idempotencyKey":"KEY","displayKey":"w","noop":true,"name":"wait","icon":"clock",` +
			`"delayUntil":"2026-01-01T00:01:30.000Z","params":{"seconds":90},"style":{"style":"minimal"}}`},

		"a log message": {[]any{"<hello>", "WARN"}, func(ctx context.Context, _ *runhook.Job[string, string]) error {
			runhook.Log(ctx, slog.LevelWarn, "<hello>", map[string]int{"n": 1})
			return nil
		}, `{"idempotencyKey":"KEY","noop":true,"name":"log","icon":"log","description":"<hello>","params":{"n":1},` +
			`"properties":[{"label":"Level","text":"WARN"}],"style":{"style":"minimal","variant":"warn"}}`},

		"a status": {[]any{"gen"}, func(ctx context.Context, _ *runhook.Job[string, string]) error {
			return runhook.SetProgress(ctx, "gen", runhook.Progress{Label: "Generating", State: runhook.ProgressLoading, Data: map[string]any{"p": 0.1}})
		}, `{"idempotencyKey":"KEY","displayKey":"gen","noop":false,"name":"Generating","icon":"bell",` +
			`"params":{"label":"Generating","state":"loading","data":{"p":0.1}},` +
			`"properties":[{"label":"Label","text":"Generating"},{"label":"State","text":"loading"}]}`},

		"a parallel task": {[]any{"p"}, func(ctx context.Context, _ *runhook.Job[string, string]) error {
			_, err := runhook.Parallel(ctx, "p", []int{1}, func(context.Context, int) (int, error) { return 1, nil })
			return err
		}, `{"idempotencyKey":"KEY","displayKey":"p","noop":false,"name":"parallel","parallel":true}`},

		"an invocation": {[]any{"k"}, func(ctx context.Context, child *runhook.Job[string, string]) error {
			_, err := child.InvokeTask(ctx, "k", "Ann")
			return err
		}, `{"idempotencyKey":"KEY","displayKey":"k","noop":false,"name":"Manually Invoke 'The Child'","params":"Ann",` +
			`"properties":[{"label":"Job","text":"child",` + page + `},{"label":"Env","text":"dev"}]}`},

		"an invocation that waits": {[]any{"k"}, wait, `{"idempotencyKey":"KEY","displayKey":"k","noop":false,` +
			`"name":"Manually Invoke 'The Child' and wait for completion","params":"Ann",` +
			`"properties":[{"label":"Job","text":"child",` + page + `},{"label":"Env","text":"dev"}],` +
			`"callback":{"enabled":true,"timeoutInSeconds":3600}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server, run := pair(t, func(ctx context.Context, child *runhook.Job[string, string]) (string, error) {
				return "", c.call(ctx, child)
			}, greet)
			run.Execute()
			request := server.Requests()[0]
			key := protocol.IdempotencyKey(run.ID, "", c.key...)
			if want := strings.Replace(c.want, "KEY", key, 1); request.Body != want {
				t.Errorf("sent\n%s, want\n%s", request.Body, want)
			}
			if request.Method+" "+request.Path != "POST /api/v1/runs/run_1/tasks" || request.Header.Get("Idempotency-Key") != key ||
				request.Header.Get("Trigger-Version") != "2023-09-29" || request.Header.Get("Content-Type") != "application/json" ||
				len(request.Header["X-Cached-Tasks-Cursor"]) != 1 {
				t.Errorf("sent to %s %s with %v", request.Method, request.Path, request.Header)
			}
		})
	}
}

func nothing(context.Context) error { return nil }

func TestTasksEndAsTheNodeSDKEndsThem(t *testing.T) {
	cases := map[string]struct {
		run        func(ctx context.Context) (any, error)
		path, body string
		version    string
	}{
		"with a result": {
			func(context.Context) (any, error) { return map[string]int{"v": 1}, nil },
			"/complete", `{"output":"{\"v\":1}"}`, "2023-11-01",
		},
		"with an error": {
			func(context.Context) (any, error) { return nil, errors.New("broken") },
			"/fail", `{"error":{"message":"broken","name":"Error"}}`, "",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server, _ := define(t, func(ctx context.Context) (any, error) { return runhook.Task(ctx, "a", c.run) })
			server.Settle()
			request := server.Requests()[1]
			if request.Path != "/api/v1/runs/run_1/tasks/task_0001"+c.path || request.Body != c.body ||
				request.Header.Get("Trigger-Version") != c.version {
				t.Errorf("sent %+v", request)
			}
		})
	}
}

func TestAStatusIsPutUnderItsKey(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		for _, state := range []runhook.ProgressState{runhook.ProgressLoading, runhook.ProgressLoading, runhook.ProgressSuccess} {
			if err := runhook.SetProgress(ctx, "a/b", runhook.Progress{State: state}); err != nil {
				return none{}, err
			}
		}
		return none{}, runhook.Sleep(ctx, "pause", time.Second)
	})
	settleFor(server, run, time.Second, 1)
	wantStatus(t, run, protocol.RunSuccess)
	requests := server.Requests()
	if got := requests[1]; got.Method+got.Path+got.Body != `PUT/api/v1/runs/run_1/statuses/a%2Fb{"state":"loading"}` {
		t.Errorf("sent %+v", got)
	}
	if len(run.Progress) != 1 || run.Progress[0].State != "success" || len(run.Progress[0].History) != 2 {
		t.Errorf("statuses %+v", run.Progress)
	}
	if got := run.Tasks()[0]; got.Name != "Status update" {
		t.Errorf("the task is %+v", got)
	}
}

func TestAStatusNeedsDataThatIsAnObject(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		return none{}, runhook.SetProgress(ctx, "gen", runhook.Progress{Data: []int{1}})
	})
	server.Settle()
	if got := runError(t, run).Message; got != `progress "gen": the data, a []int, is no object in JSON` {
		t.Errorf("message %q", got)
	}
}

func TestMessagesMayBeLoggedManyTimesAndAreStoredOnce(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		logger := runhook.Logger(ctx).With("shop", 7)
		for i := range 3 {
			logger.WithGroup("loop").Info("again", "level", i)
		}
		logger.Debug("not shown")
		runhook.Log(ctx, slog.LevelError, "failed", &cardError{51})
		runhook.Log(ctx, slog.LevelDebug, "plain", nil)
		return none{}, runhook.Sleep(ctx, "pause", time.Second)
	})
	settleFor(server, run, time.Second, 1)
	wantStatus(t, run, protocol.RunSuccess)
	var got []string
	for _, task := range run.Tasks() {
		got = append(got, task.Name+string(task.Params))
	}
	want := `log{"shop":7,"loop":{"level":0}} log{"shop":7,"loop":{"level":1}} log{"shop":7,"loop":{"level":2}} ` +
		`log{"message":"card declined: 51","name":"cardError"} log wait{"seconds":1}`
	if joined := strings.Join(got, " "); joined != want {
		t.Errorf("tasks\n%s, want\n%s", joined, want)
	}
	tasks := run.Tasks()
	if tasks[1].IdempotencyKey != protocol.IdempotencyKey(run.ID, "", "again", "INFO", 2) {
		t.Errorf("the second message has key %s", tasks[1].IdempotencyKey)
	}
	if runhook.Logger(t.Context()) != slog.Default() {
		t.Error("outside of a run the logger is not that of the process")
	}
}
