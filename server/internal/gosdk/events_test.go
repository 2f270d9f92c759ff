package gosdk

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/servertest"
)

func TestAnEventStartsTheJobsWhoseFilterItPasses(t *testing.T) {
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		job := func(client *runhook.Client, id string, options ...runhook.EventOption) {
			runhook.NewJob(client, id, "1.0.0", runhook.OnEvent[line]("ordered", options...), func(ctx context.Context, l line) (string, error) {
				run := runhook.RunFrom(ctx)
				return fmt.Sprint(id, " ", run.Event.ID, " ", l.Quantity, " ", run.Account.ID, " ", string(run.Event.Context)), nil
			})
		}
		a := start(t, database, func(client *runhook.Client) {
			job(client, "few", runhook.Where(filter.Object{"quantity": filter.Below(10)}))
			job(client, "many", runhook.Where(filter.Object{"quantity": filter.All(filter.AtLeast(10), filter.Not(11))}),
				runhook.WhereContext(filter.Raw(`{"trace":[{"$exists":true}]}`)))
			job(client, "elsewhere", runhook.Source("elsewhere"), runhook.OrEvent("other"))
		})
		_, err := a.client.SendEvent(a.ctx, runhook.Event{Name: "ordered", ID: "e1", Payload: line{"lamp", 12}, Context: map[string]int{"trace": 1}}, runhook.AccountID("ann"))
		a.must(err)
		a.wantOutput(a.only(), `"many e1 12 ann {\"trace\":1}"`)
		_, err = a.client.SendEvents(a.ctx, []runhook.Event{{Name: "ordered", ID: "e1"}, {Name: "other", Source: "elsewhere", ID: "e2", Payload: line{"lamp", 1}}}, runhook.AccountID("bob"))
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
	a := start(t, "", func(client *runhook.Client) {
		runhook.NewJob(client, "late", "1.0.0", runhook.OnEvent[none]("late"), func(context.Context, none) (none, error) { return none{}, nil })
		runhook.NewJob(client, "send", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
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
	a := start(t, "", func(client *runhook.Client) {
		runhook.NewJob(client, "job", "1.0.0", runhook.OnEvent[line]("ordered"), func(context.Context, line) (none, error) { return none{}, nil })
	})
	_, err := a.client.SendEvent(a.ctx, runhook.Event{Name: "ordered", Payload: map[string]any{"quantity": "two"}})
	a.must(err)
	run := a.api.WaitRun(a.only(), protocol.RunInvalidPayload)
	if want := `[{"path":["sku"],"message":"Required"},{"path":["quantity"],"message":"Expected integer, received string"}]`; string(run.Output) != want {
		t.Errorf("output %s, want %s", run.Output, want)
	}
}

func TestARunWithoutCredentialsEnds(t *testing.T) {
	a := start(t, "", func(client *runhook.Client) {
		git := runhook.NewAuth("git", func(_ context.Context, run runhook.CurrentRun) (string, error) {
			if run.Account == nil {
				return "", fmt.Errorf("there is no account")
			}
			return "token of " + run.Account.ID, nil
		})
		runhook.NewJob(client, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) { return git.From(ctx), nil }, git)
	})
	run := a.api.WaitRun(a.api.Invoke("job", `{}`), protocol.RunUnresolvedAuth)
	if want := `{"git":{"id":"git","error":"there is no account"}}`; string(run.Output) != want {
		t.Errorf("output %s, want %s", run.Output, want)
	}
	a.wantOutput(a.api.Invoke("job", `{"options":{"accountId":"ann"}}`), `"token of ann"`)
}
