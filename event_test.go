package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

func TestARunSendsItsEventsOnce(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (string, error) {
		one, err := runhook.SendEvent(ctx, "one", runhook.Event{Name: "a", Payload: 1})
		if err != nil {
			return "", err
		}
		many, err := runhook.SendEvents(ctx, "many", []runhook.Event{{Name: "b"}, {Name: "c", ID: "c1"}}, runhook.AccountID("acct"))
		if err != nil {
			return "", err
		}
		if err := runhook.Sleep(ctx, "pause", time.Second); err != nil {
			return "", err
		}
		return fmt.Sprint(one.Name, len(many), many[1].ID), nil
	})
	settleFor(server, run, time.Second, 2)
	wantOutput(t, run, `"a2c1"`)
	events := server.Events()
	if len(events) != 3 || events[0].ID != protocol.IdempotencyKey(run.ID, "", "one")+"-0" || events[1].Options.AccountID != "acct" {
		t.Errorf("sent %+v", events)
	}
	if task := run.Tasks()[0]; task.Name != "Send event" || string(task.Params) != `{"events":[{"name":"a","payload":1}],"options":{}}` {
		t.Errorf("task %+v", task)
	}
}

func TestARunWhoseEventsCannotBeSentNowGoesOnLater(t *testing.T) {
	synctestRun(t, func(t *testing.T, server *sdktest.Server, app *runhook.App) {
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (none, error) {
			_, err := runhook.SendEvent(ctx, "a", runhook.Event{Name: "a"})
			return none{}, err
		})
		run := server.Invoke("job", "{}")
		server.Fail("/bulk", 503, 7)
		server.Settle()
		wantAnswers(t, run, "AUTO_YIELD_EXECUTION SUCCESS")
		if len(server.Events()) != 1 {
			t.Errorf("sent %+v", server.Events())
		}
	})
}

func TestEventsStartTheJobsThatListen(t *testing.T) {
	server, app := newApp(t)
	var got []string
	runhook.NewJob(app, "job", "1.0.0", runhook.OnEvent[line]("paid", runhook.OrEvent("refunded")), func(ctx context.Context, l line) (none, error) {
		run := runhook.CurrentRun(ctx)
		got = append(got, fmt.Sprint(run.Event.Name, run.Event.ID, run.Account.ID, l.Quantity))
		return none{}, nil
	})
	for _, event := range []runhook.Event{{Name: "paid", ID: "1", Payload: line{1}}, {Name: "refunded", ID: "2", Payload: line{2}}, {Name: "lost"}} {
		if _, err := clientOf(t, app).SendEvent(t.Context(), event, client.SendOptions{AccountID: "acct"}); err != nil {
			t.Fatal(err)
		}
	}
	server.Settle()
	if fmt.Sprint(got) != "[paid1acct1 refunded2acct2]" {
		t.Errorf("ran for %q", got)
	}
}

func TestEventsThatCannotBeSentFromARun(t *testing.T) {
	if _, err := runhook.SendEvent(t.Context(), "k", runhook.Event{Name: "a"}); !errors.Is(err, runhook.ErrNoRun) {
		t.Errorf("outside of a run: %v", err)
	}
	if _, err := runhook.SendEvents(t.Context(), "k", []runhook.Event{{}}); errorText(err) != `task "k": an event has no name` {
		t.Errorf("error %v", err)
	}
}

func TestAClientStartsNothingInARunWithoutAKeyThatMakesItOne(t *testing.T) {
	server, app := newApp(t)
	c := clientOf(t, app)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
		_, sent := c.SendEvent(ctx, client.Event{Name: "a"}, client.SendOptions{})
		_, invoked := c.Invoke(ctx, "other", nil, client.InvokeOptions{})
		_, sentOne := c.SendEvent(ctx, client.Event{Name: "a", ID: "1"}, client.SendOptions{})
		_, invokedOne := c.Invoke(ctx, "other", nil, client.InvokeOptions{IdempotencyKey: "2"})
		return fmt.Sprintf("%v; %v", sent, invoked), errors.Join(sentOne, invokedOne)
	})
	run := server.Invoke("job", "{}")
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	for _, part := range []string{"use runhook.SendEvent or runhook.SendEvents", "use InvokeTask or InvokeAndWait"} {
		if !strings.Contains(string(run.Output), part) {
			t.Errorf("output %s lacks %q", run.Output, part)
		}
	}
}

func TestEventsCanBeReadAndCanceled(t *testing.T) {
	server, app := newApp(t)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnEvent[none]("a"), ignore)
	ctx, c := t.Context(), clientOf(t, app)
	if _, err := c.SendEvent(ctx, runhook.Event{Name: "a", ID: "x/y"}, client.SendOptions{}); err != nil {
		t.Fatal(err)
	}
	details, err := c.GetEvent(ctx, "x/y")
	if err != nil || details.Name != "a" || len(details.Runs) != 1 {
		t.Fatalf("event %+v, %v", details, err)
	}
	log, err := c.CancelEvent(ctx, "x/y")
	if err != nil || log.CancelledAt == nil {
		t.Errorf("event %+v, %v", log, err)
	}
	canceled, err := c.CancelEventRuns(ctx, "x/y")
	if err != nil || len(canceled.Canceled) != 1 || server.Run(details.Runs[0].ID).Status != protocol.RunCanceled {
		t.Errorf("canceled %+v, %v", canceled, err)
	}
	var refused *runhook.APIError
	if _, err := c.GetEvent(ctx, "none"); !errors.As(err, &refused) || refused.StatusCode != 404 {
		t.Errorf("error %v", err)
	}
	if _, err := c.CancelEvent(ctx, "none"); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
	if _, err := c.CancelEventRuns(ctx, "none"); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
}
