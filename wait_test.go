package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
)

func TestARunWaitsForAnEvent(t *testing.T) {
	server, app := newApp(t)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
		event, err := runhook.WaitForEvent[line](ctx, "w", "paid", runhook.Source("bank"), runhook.AccountID("acct"),
			runhook.Timeout(time.Minute), runhook.Where(filter.Object{"quantity": filter.Is(3)}), runhook.WhereContext(filter.Object{}))
		if err != nil {
			return "", err
		}
		return fmt.Sprint(event.ID, event.Name, event.Source, event.Payload.Quantity, string(event.Context), event.AccountID, event.Timestamp.Year()), nil
	})
	run := server.Invoke("job", "{}")
	server.Settle()
	wantStatus(t, run, protocol.RunWaitingToContinue)
	want := `{"url":"http://sdktest/callback/task_0001","name":"paid","source":"bank","filter":{"quantity":[3]},"contextFilter":{},"accountId":"acct","timeoutInSeconds":60}`
	if asked := server.Requests()[1]; asked.Path != "/api/v1/event-dispatchers/ephemeral" || asked.Body != want {
		t.Errorf("asked %s %s", asked.Path, asked.Body)
	}
	_, err := clientOf(t, app).SendEvent(t.Context(), runhook.Event{Name: "paid", ID: "e", Source: "bank", Payload: line{3}, Context: 1}, client.SendOptions{AccountID: "acct"})
	if err != nil {
		t.Fatal(err)
	}
	server.Settle()
	wantOutput(t, run, `"epaidbank31acct2026"`)
}

func TestAnEventThatDoesNotFitIsAnError(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.WaitForEvent[line](ctx, "w", "paid")
		return none{}, err
	})
	server.Settle()
	server.CallBack("http://sdktest/callback/task_0001", `{"id":"e","payload":{}}`)
	server.Settle()
	if failed := runError(t, run); failed.Message != `task "w": event e has an invalid payload: Required at quantity` {
		t.Errorf("failed with %+v", failed)
	}
}

func TestARunWaitsForARequest(t *testing.T) {
	told := map[string]int{}
	server, run := define(t, func(ctx context.Context) (int, error) {
		body, err := runhook.WaitForRequest[line](ctx, "w", func(ctx context.Context, url string) error {
			return runhook.Do(ctx, "tell", func(context.Context) error { told[url]++; return nil })
		}, runhook.Timeout(0))
		return body.Quantity, err
	})
	server.Settle()
	run.Execute() // nothing has come, and no one is notified twice
	if !server.CallBack("http://sdktest/callback/task_0001", `{"quantity":5}`) {
		t.Fatal("nobody waits")
	}
	server.Settle()
	wantOutput(t, run, "5")
	if len(told) != 1 || told["http://sdktest/callback/task_0001"] != 1 {
		t.Errorf("told %v", told)
	}
}

func TestARequestMayBeEmpty(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.WaitForRequest[line](ctx, "w", func(context.Context, string) error { return nil })
		return none{}, err
	})
	server.Settle()
	server.CallBack("http://sdktest/callback/task_0001", "")
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
}

func TestARequestThatDoesNotFitIsAnError(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.WaitForRequest[line](ctx, "w", func(context.Context, string) error { return nil })
		return none{}, err
	})
	server.Settle()
	server.CallBack("http://sdktest/callback/task_0001", `[]`)
	server.Settle()
	if failed := runError(t, run); failed.Message != `task "w": the request has an invalid payload: Expected object, received array` {
		t.Errorf("failed with %+v", failed)
	}
}

func TestWaitsTimeOut(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context) error{
		"for an event": func(ctx context.Context) error {
			_, err := runhook.WaitForEvent[none](ctx, "w", "paid", runhook.Timeout(time.Minute))
			return err
		},
		"for a request": func(ctx context.Context) error {
			_, err := runhook.WaitForRequest[none](ctx, "w", func(context.Context, string) error { return nil }, runhook.Timeout(time.Minute))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, run := define(t, func(ctx context.Context) (string, error) {
				if err := wait(ctx); errors.Is(err, runhook.ErrTimeout) {
					return "in vain", nil
				} else {
					return "", err
				}
			})
			settleFor(server, run, 59*time.Second, 1)
			wantStatus(t, run, protocol.RunWaitingToContinue)
			settleFor(server, run, time.Second, 1)
			wantOutput(t, run, `"in vain"`)
		})
	}
}

func TestWaitsThatCannotBe(t *testing.T) {
	ctx := t.Context()
	event := func(name string, options ...runhook.WaitForEventOption) error {
		_, err := runhook.WaitForEvent[none](ctx, "w", name, options...)
		return err
	}
	for want, err := range map[string]error{
		`task "w": the name of the event is empty`:                           event(""),
		`task "w": an event can be waited for from 10s to 8760h0m0s, not 9s`: event("a", runhook.Timeout(9*time.Second)),
		`task "w": an event can be waited for from 10s to 8760h0m0s, not 0s`: event("a", runhook.Timeout(0)),
		`task "w": a filter is nil`:                                          event("a", runhook.Where(nil)),
		`task "w": ` + runhook.ErrNoRun.Error():                              event("a"),
	} {
		if errorText(err) != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestAWaitThatIsRefusedFailsTheRun(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		_, err := runhook.WaitForEvent[none](ctx, "w", "paid")
		return none{}, err
	})
	server.Fail("/ephemeral", 400, 1)
	server.Settle()
	if failed := runError(t, run); failed.Message != `wait for event in task "w": the server answered 400 Bad Request: injected fault` {
		t.Errorf("failed with %+v", failed)
	}
}
