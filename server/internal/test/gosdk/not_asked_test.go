package gosdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// notAsked are the tasks that a run's details say were not asked for.
func (a *app) notAsked(id string) (names []string, count int) {
	a.t.Helper()
	var details struct {
		TasksNotAsked *struct {
			Count int `json:"count"`
			Tasks []struct{ ID, Name string }
		} `json:"tasksNotAsked"`
	}
	a.api.OK("GET", "/api/runhook/v1/runs/"+id, nil, &details)
	if details.TasksNotAsked == nil {
		return nil, 0
	}
	for _, task := range details.TasksNotAsked.Tasks {
		names = append(names, task.Name)
	}
	return names, details.TasksNotAsked.Count
}

// Each job is executed, waits, is "deployed" anew, and executed again.
func TestRecordedTasksThatTheCodeDoesNotAskForAreReported(t *testing.T) {
	type payload struct {
		Case string `json:"case"`
	}
	step := func(context.Context) error { return nil }
	cases := map[string]struct {
		run    func(ctx context.Context, deployed bool) error
		status protocol.RunStatus
		want   string
		count  int
	}{
		"a renamed task": {run: func(ctx context.Context, deployed bool) error {
			key := "charge"
			if deployed {
				key = "charge card"
			}
			return errors.Join(runhook.Do(ctx, key, step), runhook.Sleep(ctx, "pause", time.Hour))
		}, want: "charge", count: 1},
		"more than are named": {run: func(ctx context.Context, deployed bool) error {
			for i := range 25 {
				if err := runhook.Do(ctx, fmt.Sprint("step ", i, deployed), step); err != nil {
					return err
				}
			}
			return runhook.Sleep(ctx, "pause", time.Hour)
		}, want: "step 0 false", count: 25},
		"a task that waits to be tried again": {run: func(ctx context.Context, deployed bool) error {
			if deployed {
				return runhook.Do(ctx, "charge card", step)
			}
			return runhook.Do(ctx, "charge", func(context.Context) error { return errors.New("away") },
				runhook.RetryPolicy{MaxAttempts: 3, InitialInterval: time.Hour, NoJitter: true})
		}, want: "charge", count: 1},
		"a run that fails": {run: func(ctx context.Context, deployed bool) error {
			if deployed {
				return errors.New("closed")
			}
			return errors.Join(runhook.Do(ctx, "charge", step), runhook.Sleep(ctx, "pause", time.Hour))
		}, status: protocol.RunFailure, want: "charge", count: 2},
		"nothing of code that stays the same": {run: func(ctx context.Context, _ bool) error {
			_, err := runhook.Parallel(ctx, "all", []int{1, 2}, func(ctx context.Context, i int) (none, error) {
				outer := runhook.Do(ctx, "outer", func(ctx context.Context) error { return runhook.Do(ctx, "inner", step) })
				return none{}, errors.Join(outer, runhook.Sleep(ctx, "pause", time.Hour))
			})
			return err
		}},
	}
	harness.EachDatabase(t, func(t *testing.T, database string) {
		var deployed atomic.Bool
		a := start(t, database, func(app *runhook.App) {
			runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[payload](), func(ctx context.Context, p payload) (none, error) {
				return none{}, cases[p.Case].run(ctx, deployed.Load())
			})
		})
		runs := map[string]string{}
		for name := range cases {
			runs[name] = a.api.Invoke("job", fmt.Sprintf(`{"payload":{"case":%q}}`, name))
			a.wait(runs[name])
		}
		deployed.Store(true)
		a.server.Clock.Advance(2 * time.Hour)
		for name, c := range cases {
			id := runs[name]
			a.api.WaitRun(id, cmp.Or(c.status, protocol.RunSuccess))
			names, count := a.notAsked(id)
			if count != c.count || len(names) != min(count, protocol.MaxTasksNotAsked) || count > 0 && names[0] != c.want {
				t.Errorf("%s: %d were not asked for, among them %q; want %d, first %q", name, count, names, c.count, c.want)
			}
			for line := range strings.Lines(a.serverLog.String()) {
				if strings.Contains(line, id) && (count == 0 || !strings.Contains(line, c.want) || !strings.Contains(line, "job=job environment=") ||
					!strings.Contains(line, fmt.Sprintf("count=%d", count))) {
					t.Errorf("%s: the server logged %s", name, line)
				}
			}
			if got := strings.Contains(a.serverLog.String(), "run="+id); got != (count > 0) {
				t.Errorf("%s: whether the server logged it: %v", name, got)
			}
		}
		if app := a.appLog.String(); strings.Count(app, "did not ask for tasks") != 3 ||
			!strings.Contains(app, "run="+runs["a renamed task"]+" job=job tasks=charge count=1") {
			t.Errorf("the app logged %s", app)
		}
	})
}
