package runhooktest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/runhooktest"
)

type order struct {
	ID string `json:"id"`
}

func serve(define func(client *runhook.Client)) (*runhooktest.Server, *runhook.Client) {
	server := runhooktest.New()
	client := runhook.New(server.Config("shop"))
	define(client)
	server.Serve(client)
	return server, client
}

func TestTasksAreRememberedOverRetriesAndWaits(t *testing.T) {
	charged, attempts, executions := 0, 0, 0
	var job *runhook.Job[order, string]
	server, _ := serve(func(client *runhook.Client) {
		job = runhook.NewJob(client, "fulfil", "1.0.0", runhook.OnInvoke[order](), func(ctx context.Context, o order) (string, error) {
			executions++
			charge, err := runhook.Task(ctx, "charge", func(context.Context) (string, error) {
				charged++
				return "ch_" + o.ID, nil
			})
			if err != nil {
				return "", err
			}
			if err := runhook.Sleep(ctx, "cool-off", 30*24*time.Hour); err != nil {
				return "", err
			}
			return charge, runhook.Do(ctx, "mail", func(context.Context) error {
				if attempts++; attempts < 3 {
					return errors.New("the mail server is away")
				}
				return nil
			}, runhook.Retry{Limit: 5})
		})
	})
	began := server.Now()
	output, err := runhooktest.Run(server, job, order{"A-1"})
	if err != nil || output != "ch_A-1" || charged != 1 || attempts != 3 || executions != 4 {
		t.Errorf("returned %q, %v after %d charges, %d attempts, %d executions", output, err, charged, attempts, executions)
	}
	if passed := server.Now().Sub(began); passed < 30*24*time.Hour {
		t.Errorf("%s have passed", passed)
	}
}

func TestARunThatFailsSaysHow(t *testing.T) {
	var job *runhook.Job[order, string]
	server, _ := serve(func(client *runhook.Client) {
		job = runhook.NewJob(client, "fulfil", "1.0.0", runhook.OnInvoke[order](), func(context.Context, order) (string, error) {
			return "", errors.New("sold out")
		})
	})
	_, err := runhooktest.Run(server, job, order{})
	var failed *runhook.RunError
	if !errors.As(err, &failed) || failed.Status != protocol.RunFailure || err.Error() != "run run_1 ended as FAILURE: sold out" {
		t.Errorf("it failed with %v", err)
	}
}

func TestARunThatWaitsForAnEventIsGivenIt(t *testing.T) {
	var ask *runhook.Job[order, string]
	server, client := serve(func(client *runhook.Client) {
		ask = runhook.NewJob(client, "ask", "1.0.0", runhook.OnInvoke[order](), func(ctx context.Context, o order) (string, error) {
			paid, err := runhook.WaitForEvent[order](ctx, "payment", "order.paid", runhook.Timeout(time.Hour))
			if errors.Is(err, runhook.ErrTimeout) {
				return "never paid", nil
			}
			return paid.Payload.ID, err
		})
	})
	run, err := ask.Invoke(context.Background(), order{"A-1"})
	if err != nil {
		t.Fatal(err)
	}
	server.Settle()
	if _, err := client.SendEvent(context.Background(), runhook.Event{Name: "order.paid", Payload: order{"A-1"}}); err != nil {
		t.Fatal(err)
	}
	if output, err := runhooktest.Result(server, ask, run); err != nil || output != "A-1" {
		t.Errorf("returned %q, %v", output, err)
	}
	if output, err := runhooktest.Run(server, ask, order{"A-2"}); err != nil || output != "never paid" {
		t.Errorf("when nobody pays it returned %q, %v", output, err)
	}
}

func TestARunThatWaitsForEverIsToldSo(t *testing.T) {
	var ask *runhook.Job[order, string]
	server, _ := serve(func(client *runhook.Client) {
		ask = runhook.NewJob(client, "ask", "1.0.0", runhook.OnInvoke[order](), func(ctx context.Context, _ order) (string, error) {
			return runhook.WaitForRequest[string](ctx, "approval", func(context.Context, string) error { return nil }, runhook.Timeout(0))
		})
	})
	if _, err := runhooktest.Run(server, ask, order{}); !errors.Is(err, runhooktest.ErrWaiting) {
		t.Errorf("it ended with %v", err)
	}
}

func Example() {
	server := runhooktest.New()
	client := runhook.New(server.Config("shop"))
	remind := runhook.NewJob(client, "remind", "1.0.0", runhook.OnInvoke[order](),
		func(ctx context.Context, o order) (string, error) {
			if err := runhook.Sleep(ctx, "a while", 7*24*time.Hour); err != nil {
				return "", err
			}
			return "reminded of " + o.ID, nil
		})
	server.Serve(client)

	fmt.Println(runhooktest.Run(server, remind, order{"A-1"}))
	fmt.Println(server.Now().Format(time.DateOnly))
	// Output:
	// reminded of A-1 <nil>
	// 2026-01-08
}
