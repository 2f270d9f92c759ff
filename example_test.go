package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/runhook/runhook"
)

type Order struct {
	ID    string
	Items []string
}

type Receipt struct{ Charge string }

// pay stands for a payment service. It charges an order once per key.
func pay(_ context.Context, order Order, key string) (string, error) {
	fmt.Println("charging", order.ID)
	return "ch_" + order.ID, nil
}

func Example() {
	client := newClient() // runhook.New(runhook.Config{ID: "shop"})

	fulfil := runhook.NewJob(client, "fulfil-order", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (Receipt, error) {
			charge, err := runhook.Task(ctx, "charge", func(ctx context.Context) (string, error) {
				return pay(ctx, order, runhook.TaskFrom(ctx).IdempotencyKey)
			}, runhook.Retry{Limit: 5})
			if err != nil {
				return Receipt{}, err
			}
			if err := runhook.Sleep(ctx, "cool-off", 2*time.Second); err != nil { // or a month
				return Receipt{}, err
			}
			return Receipt{Charge: charge}, nil
		})

	run, err := fulfil.Invoke(context.Background(), Order{ID: "A-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome(client, run))
	// Output:
	// charging A-1
	// SUCCESS {"Charge":"ch_A-1"}
}

func ExampleTask_retry() {
	client := newClient()
	job := runhook.NewJob(client, "fetch", "1.0.0", runhook.OnInvoke[string](),
		func(ctx context.Context, url string) (string, error) {
			return runhook.Task(ctx, "get", func(ctx context.Context) (string, error) {
				attempt := runhook.TaskFrom(ctx).Attempt
				fmt.Println("attempt", attempt)
				if attempt < 3 {
					return "", errors.New("try again")
				}
				return "the page at " + url, nil
			}, runhook.Retry{Limit: 5, Min: 10 * time.Millisecond})
		})
	run, _ := job.Invoke(context.Background(), "/home")
	fmt.Println(outcome(client, run))
	// Output:
	// attempt 1
	// attempt 2
	// attempt 3
	// SUCCESS "the page at /home"
}

func ExampleNoRetry() {
	client := newClient()
	errNoFunds := errors.New("no funds")
	job := runhook.NewJob(client, "charge", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			err := runhook.Do(ctx, "charge", func(ctx context.Context) error {
				return runhook.NoRetry(errNoFunds)
			}, runhook.Retry{Limit: 10})
			var failed *runhook.TaskError
			if errors.As(err, &failed) {
				return "not charged: " + failed.Err.Message, nil
			}
			return "charged", err
		})
	run, _ := job.Invoke(context.Background(), Order{ID: "A-1"})
	fmt.Println(outcome(client, run))
	// Output: SUCCESS "not charged: no funds"
}

func ExampleKey() {
	client := newClient()
	job := runhook.NewJob(client, "reserve", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (struct{}, error) {
			for _, item := range order.Items {
				err := runhook.Do(ctx, "reserve", func(context.Context) error {
					fmt.Println("reserving", item)
					return nil
				}, runhook.Key(item))
				if err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
	run, _ := job.Invoke(context.Background(), Order{Items: []string{"a lamp", "a chair"}})
	fmt.Println(outcome(client, run))
	// Output:
	// reserving a lamp
	// reserving a chair
	// SUCCESS
}

func ExampleParallel() {
	client := newClient()
	job := runhook.NewJob(client, "count", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) ([]int, error) {
			return runhook.Parallel(ctx, "lengths", order.Items, func(ctx context.Context, item string) (int, error) {
				if err := runhook.Sleep(ctx, "wait", time.Second); err != nil { // each waits for itself
					return 0, err
				}
				return len(item), nil
			})
		})
	run, _ := job.Invoke(context.Background(), Order{Items: []string{"lamp", "chair"}})
	fmt.Println(outcome(client, run))
	// Output: SUCCESS [4,5]
}

// Tasks in goroutines need nothing but the ctx of the job and keys of their own.
func ExampleTask_goroutines() {
	client := newClient()
	job := runhook.NewJob(client, "prices", "1.0.0", runhook.OnInvoke[struct{}](),
		func(ctx context.Context, _ struct{}) (int, error) {
			prices := make([]int, 2)
			errs := make([]error, 2)
			var group sync.WaitGroup
			for i, shop := range []string{"east", "west"} {
				group.Go(func() {
					prices[i], errs[i] = runhook.Task(ctx, "price", func(context.Context) (int, error) {
						return len(shop) * (i + 1), nil
					}, runhook.Key(shop))
				})
			}
			group.Wait()
			return min(prices[0], prices[1]), errors.Join(errs...)
		})
	run, _ := job.Invoke(context.Background(), struct{}{})
	fmt.Println(outcome(client, run))
	// Output: SUCCESS 4
}

func ExampleJob_InvokeAndWait() {
	client := newClient()
	pack := runhook.NewJob(client, "pack", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) { return "parcel of " + order.ID, nil })
	ship := runhook.NewJob(client, "ship", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			packed, err := pack.InvokeAndWait(ctx, "pack", order, runhook.Timeout(24*time.Hour))
			if err != nil {
				return "", err
			}
			if !packed.OK {
				return "", fmt.Errorf("pack %s: %s", order.ID, packed.Status)
			}
			return packed.Output + " is on its way", nil
		})
	run, _ := ship.Invoke(context.Background(), Order{ID: "A-1"})
	fmt.Println(outcome(client, run))
	// Output: SUCCESS "parcel of A-1 is on its way"
}

func ExampleSetStatus() {
	client := newClient()
	job := runhook.NewJob(client, "import", "1.0.0", runhook.OnInvoke[struct{}](),
		func(ctx context.Context, _ struct{}) (struct{}, error) {
			err := runhook.SetStatus(ctx, "progress", runhook.Status{Label: "Reading", State: runhook.Loading})
			if err != nil {
				return struct{}{}, err
			}
			runhook.Logger(ctx).Info("read the file", slog.Int("lines", 3))
			return struct{}{}, runhook.SetStatus(ctx, "progress", runhook.Status{Label: "Done", State: runhook.Success})
		})
	ctx := context.Background()
	run, _ := job.Invoke(ctx, struct{}{})
	fmt.Println(outcome(client, run))
	statuses, _ := client.GetRunStatuses(ctx, run.ID)
	for _, status := range statuses.Statuses {
		fmt.Println(status.Key, "is", status.Label, "after", status.History[0].Label)
	}
	// Output:
	// SUCCESS
	// progress is Done after Reading
}
