package gosdk

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestADelayedRunIsQueuedUntilItsTime(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		var job *runhook.Job[line, string]
		a := start(t, database, shop(&job))
		now := a.server.Clock.Now()
		at, err := job.Invoke(a.ctx, line{"lamp", 1}, runhook.StartAt(now.Add(time.Hour)))
		a.must(err)
		after, err := a.client.Invoke(a.ctx, "sell", line{"bulb", 1}, client.InvokeOptions{StartAfter: time.Hour})
		a.must(err)
		past, err := job.Invoke(a.ctx, line{"desk", 1}, runhook.StartAt(now.Add(-time.Hour)))
		a.must(err)
		a.wantOutput(past.ID, `"desk"`)
		a.server.Clock.Advance(59 * time.Minute)
		a.sell(job, "chair", 1, protocol.RunSuccess) // the loop has looked for what is due since
		for _, run := range []runhook.Run{at, after} {
			if got, err := a.client.GetRun(a.ctx, run.ID); err != nil || got.Status != protocol.RunQueued || !got.StartedAt.IsZero() {
				t.Errorf("run %+v, %v", got, err)
			}
		}
		a.server.Clock.Advance(time.Minute)
		a.wantOutput(at.ID, `"lamp"`)
		a.wantOutput(after.ID, `"bulb"`)

		var refused *client.APIError
		_, err = a.client.Invoke(a.ctx, "sell", line{"x", 1}, client.InvokeOptions{StartAt: now, StartAfter: time.Hour})
		if !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest || !strings.Contains(refused.Message, "options.startAt") {
			t.Errorf("with two times: %v", err)
		}
		_, err = a.client.Invoke(a.ctx, "sell", line{"x", 1}, client.InvokeOptions{StartAfter: -time.Hour})
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, "options.startAfterInSeconds") {
			t.Errorf("with a negative time: %v", err)
		}
	})
}

func TestABatchOfInvocationsIsAllOrNone(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		var job *runhook.Job[line, string]
		a := start(t, database, shop(&job))
		first := client.Invocation{JobID: "sell", Payload: line{"lamp", 1}, Options: client.InvokeOptions{IdempotencyKey: "one"}}
		second := client.Invocation{JobID: "sell", Payload: map[string]any{"sku": "bulb", "quantity": 2}}
		_, err := a.client.InvokeBatch(a.ctx, []client.Invocation{first, {JobID: "none"}})
		var refused *client.APIError
		if !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound || !strings.Contains(refused.Message, "runs.1") {
			t.Errorf("with a job that is not there: %v", err)
		}
		if runs := collect(t, a.client.ListRuns(a.ctx, client.RunFilter{})); len(runs) != 0 {
			t.Errorf("it started %d runs", len(runs))
		}
		runs, err := a.client.InvokeBatch(a.ctx, []client.Invocation{first, second, first})
		a.must(err)
		if len(runs) != 3 || runs[0] != runs[2] {
			t.Fatalf("runs %v", runs)
		}
		a.wantOutput(runs[0].ID, `"lamp"`)
		a.wantOutput(runs[1].ID, `"bulb"`)
		_, err = a.client.InvokeBatch(a.ctx, make([]client.Invocation, protocol.MaxInvokeBatch+1))
		if !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest || !strings.Contains(refused.Message, "more than 100") {
			t.Errorf("with too many: %v", err)
		}
		typed, err := job.InvokeBatch(a.ctx, []runhook.Invocation[line]{{Payload: line{"desk", 1}}, {Payload: line{"lamp", 1}, Options: []runhook.InvokeOption{runhook.IdempotencyKey("one")}}})
		a.must(err)
		if len(typed) != 2 || typed[1] != runs[0] {
			t.Errorf("runs %v", typed)
		}
		a.wantOutput(typed[0].ID, `"desk"`)
	})
}

func TestRunsAreListedContinuedAndRunAgain(t *testing.T) {
	fails := make(chan struct{}, 1)
	fails <- struct{}{}
	a := start(t, "", func(app *runhook.App) {
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[string](), func(_ context.Context, text string) (string, error) {
			select {
			case <-fails:
				return "", errors.New("not yet")
			default:
				return text, nil
			}
		})
	})
	run, err := a.client.Invoke(a.ctx, "job", "a", client.InvokeOptions{})
	a.must(err)
	_, err = a.client.WaitForRun(a.ctx, run.ID)
	var failed *client.RunError
	if !errors.As(err, &failed) || failed.ID != run.ID || failed.Status != protocol.RunFailure {
		t.Fatalf("error %v", err)
	}
	listed := collect(t, a.client.ListRuns(a.ctx, client.RunFilter{JobID: "job", Statuses: []protocol.RunStatus{protocol.RunFailure}}))
	if len(listed) != 1 || listed[0].ID != run.ID || listed[0].Job.ID != "job" {
		t.Fatalf("runs %+v", listed)
	}
	a.must(a.client.ContinueRun(a.ctx, run.ID))
	a.wantOutput(run.ID, `"a"`)
	var refused *client.APIError
	if err := a.client.ContinueRun(a.ctx, run.ID); !errors.As(err, &refused) || refused.StatusCode != http.StatusConflict {
		t.Errorf("error %v", err)
	}
	again, err := a.client.RerunRun(a.ctx, run.ID)
	a.must(err)
	if output, err := a.client.WaitForRun(a.ctx, again.ID); err != nil || string(output) != `"a"` || again.ID == run.ID {
		t.Errorf("run %s returned %s, %v", again.ID, output, err)
	}
}
