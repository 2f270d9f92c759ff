package gosdk

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAnEventStartsTheJobsWhoseFilterItPasses(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		job := func(app *runhook.App, id string, options ...runhook.EventOption) {
			runhook.NewJob(app, id, "1.0.0", runhook.OnEvent[line]("ordered", options...), func(ctx context.Context, l line) (string, error) {
				run := runhook.CurrentRun(ctx)
				return fmt.Sprint(id, " ", run.Event.ID, " ", l.Quantity, " ", run.Account.ID, " ", string(run.Event.Context)), nil
			})
		}
		a := start(t, database, func(app *runhook.App) {
			job(app, "few", runhook.Where(filter.Object{"quantity": filter.Below(10)}))
			job(app, "many", runhook.Where(filter.Object{"quantity": filter.All(filter.AtLeast(10), filter.Not(11))}),
				runhook.WhereContext(filter.Raw(`{"trace":[{"$exists":true}]}`)))
			job(app, "elsewhere", runhook.Source("elsewhere"), runhook.OrEvent("other"))
		})
		_, err := a.client.SendEvent(a.ctx, runhook.Event{Name: "ordered", ID: "e1", Payload: line{"lamp", 12}, Context: map[string]int{"trace": 1}}, client.SendOptions{AccountID: "ann"})
		a.must(err)
		a.wantOutput(a.only(), `"many e1 12 ann {\"trace\":1}"`)
		_, err = a.client.SendEvents(a.ctx, []runhook.Event{{Name: "ordered", ID: "e1"}, {Name: "other", Source: "elsewhere", ID: "e2", Payload: line{"lamp", 1}}}, client.SendOptions{AccountID: "bob"})
		a.must(err)
		event, err := a.client.GetEvent(a.ctx, "e2")
		a.must(err)
		for len(event.Runs) == 0 {
			a.runs(2)
			event, err = a.client.GetEvent(a.ctx, "e2")
			a.must(err)
		}
		a.wantOutput(event.Runs[0].ID, `"elsewhere e2 1 bob {}"`)
	})
}

func TestARunSendsAnEventForLaterWhichCanBeCanceled(t *testing.T) {
	a := start(t, "", func(app *runhook.App) {
		runhook.NewJob(app, "late", "1.0.0", runhook.OnEvent[none]("late"), func(context.Context, none) (none, error) { return none{}, nil })
		runhook.NewJob(app, "send", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
			sent, err := runhook.SendEvent(ctx, "send", runhook.Event{Name: "late"}, runhook.DeliverAfter(time.Hour))
			if err != nil {
				return "", err
			}
			return sent.ID, nil
		})
	})
	id := a.api.Invoke("send", `{}`)
	sent := a.api.WaitRun(id, protocol.RunSuccess)
	eventID := protocol.IdempotencyKey(id, "", "send") + "-0"
	if string(sent.Output) != `"`+eventID+`"` {
		t.Fatalf("sent %s", sent.Output)
	}
	log, err := a.client.CancelEvent(a.ctx, eventID)
	a.must(err)
	if log.CancelledAt == nil || log.DeliverAt.Sub(a.server.Clock.Now()) != time.Hour {
		t.Errorf("canceled %+v", log)
	}
	canceled, err := a.client.CancelEventRuns(a.ctx, eventID)
	a.must(err)
	if len(canceled.Canceled) != 0 {
		t.Errorf("canceled %+v", canceled)
	}
}

func TestAPayloadThatDoesNotFitEndsTheRun(t *testing.T) {
	a := start(t, "", func(app *runhook.App) {
		runhook.NewJob(app, "job", "1.0.0", runhook.OnEvent[line]("ordered"), func(context.Context, line) (none, error) { return none{}, nil })
	})
	_, err := a.client.SendEvent(a.ctx, runhook.Event{Name: "ordered", Payload: map[string]any{"quantity": "two"}}, client.SendOptions{})
	a.must(err)
	run := a.api.WaitRun(a.only(), protocol.RunInvalidPayload)
	if want := `[{"path":["sku"],"message":"Required"},{"path":["quantity"],"message":"Expected integer, received string"}]`; string(run.Output) != want {
		t.Errorf("output %s, want %s", run.Output, want)
	}
}

func TestARunWithoutCredentialsEnds(t *testing.T) {
	a := start(t, "", func(app *runhook.App) {
		git := runhook.NewAuth("git", func(_ context.Context, run runhook.RunInfo) (string, error) {
			if run.Account == nil {
				return "", fmt.Errorf("there is no account")
			}
			return "token of " + run.Account.ID, nil
		})
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) { return git.From(ctx), nil }, git)
	})
	run := a.api.WaitRun(a.api.Invoke("job", `{}`), protocol.RunUnresolvedAuth)
	if want := `{"git":{"id":"git","error":"there is no account"}}`; string(run.Output) != want {
		t.Errorf("output %s, want %s", run.Output, want)
	}
	a.wantOutput(a.api.Invoke("job", `{"options":{"accountId":"ann"}}`), `"token of ann"`)
}
