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
	app := newExampleApp() // runhook.New(runhook.Config{ID: "shop"})

	fulfil := runhook.NewJob(app, "fulfil-order", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (Receipt, error) {
			charge, err := runhook.Task(ctx, "charge", func(ctx context.Context) (string, error) {
				return pay(ctx, order, runhook.CurrentTask(ctx).IdempotencyKey)
			}, runhook.RetryPolicy{MaxAttempts: 5})
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
	fmt.Println(outcome(app, run))
	// Output:
	// charging A-1
	// SUCCESS {"Charge":"ch_A-1"}
}

func ExampleTask_retry() {
	app := newExampleApp()
	job := runhook.NewJob(app, "fetch", "1.0.0", runhook.OnInvoke[string](),
		func(ctx context.Context, url string) (string, error) {
			return runhook.Task(ctx, "get", func(ctx context.Context) (string, error) {
				attempt := runhook.CurrentTask(ctx).Attempt
				fmt.Println("attempt", attempt)
				if attempt < 3 {
					return "", errors.New("try again")
				}
				return "the page at " + url, nil
			}, runhook.RetryPolicy{MaxAttempts: 5, InitialInterval: 10 * time.Millisecond})
		})
	run, _ := job.Invoke(context.Background(), "/home")
	fmt.Println(outcome(app, run))
	// Output:
	// attempt 1
	// attempt 2
	// attempt 3
	// SUCCESS "the page at /home"
}

func ExampleNonRetryable() {
	app := newExampleApp()
	errNoFunds := errors.New("no funds")
	job := runhook.NewJob(app, "charge", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			err := runhook.Do(ctx, "charge", func(ctx context.Context) error {
				return runhook.NonRetryable(errNoFunds)
			}, runhook.RetryPolicy{MaxAttempts: 10})
			var failed *runhook.TaskError
			if errors.As(err, &failed) {
				return "not charged: " + failed.Err.Message, nil
			}
			return "charged", err
		})
	run, _ := job.Invoke(context.Background(), Order{ID: "A-1"})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS "not charged: no funds"
}

func ExampleKey() {
	app := newExampleApp()
	job := runhook.NewJob(app, "reserve", "1.0.0", runhook.OnInvoke[Order](),
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
	fmt.Println(outcome(app, run))
	// Output:
	// reserving a lamp
	// reserving a chair
	// SUCCESS
}

func ExampleParallel() {
	app := newExampleApp()
	job := runhook.NewJob(app, "count", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) ([]int, error) {
			return runhook.Parallel(ctx, "lengths", order.Items, func(ctx context.Context, item string) (int, error) {
				if err := runhook.Sleep(ctx, "wait", time.Second); err != nil { // each waits for itself
					return 0, err
				}
				return len(item), nil
			})
		})
	run, _ := job.Invoke(context.Background(), Order{Items: []string{"lamp", "chair"}})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS [4,5]
}

// Each goroutine that calls tasks gets a branch. An errgroup does as well.
func ExampleBranch() {
	app := newExampleApp()
	job := runhook.NewJob(app, "prices", "1.0.0", runhook.OnInvoke[struct{}](),
		func(ctx context.Context, _ struct{}) (int, error) {
			prices := make([]int, 2)
			errs := make([]error, 2)
			var group sync.WaitGroup
			for i, shop := range []string{"east", "west"} {
				branch := runhook.Branch(ctx, shop)
				group.Go(func() {
					prices[i], errs[i] = runhook.Task(branch, "price", func(context.Context) (int, error) {
						return len(shop) * (i + 1), nil
					})
				})
			}
			group.Wait()
			return min(prices[0], prices[1]), errors.Join(errs...)
		})
	run, _ := job.Invoke(context.Background(), struct{}{})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS 4
}

func ExampleJob_InvokeAndWait() {
	app := newExampleApp()
	pack := runhook.NewJob(app, "pack", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) { return "parcel of " + order.ID, nil })
	ship := runhook.NewJob(app, "ship", "1.0.0", runhook.OnInvoke[Order](),
		func(ctx context.Context, order Order) (string, error) {
			parcel, err := pack.InvokeAndWait(ctx, "pack", order, runhook.Timeout(24*time.Hour))
			var failed *runhook.RunError
			if errors.As(err, &failed) {
				return "not packed: " + string(failed.Status), nil
			}
			if err != nil {
				return "", err
			}
			return parcel + " is on its way", nil
		})
	run, _ := ship.Invoke(context.Background(), Order{ID: "A-1"})
	fmt.Println(outcome(app, run))
	// Output: SUCCESS "parcel of A-1 is on its way"
}

func ExampleSetProgress() {
	app := newExampleApp()
	job := runhook.NewJob(app, "import", "1.0.0", runhook.OnInvoke[struct{}](),
		func(ctx context.Context, _ struct{}) (struct{}, error) {
			err := runhook.SetProgress(ctx, "progress", runhook.Progress{Label: "Reading", State: runhook.ProgressLoading})
			if err != nil {
				return struct{}{}, err
			}
			runhook.Logger(ctx).Info("read the file", slog.Int("lines", 3))
			return struct{}{}, runhook.SetProgress(ctx, "progress", runhook.Progress{Label: "Done", State: runhook.ProgressSuccess})
		})
	ctx := context.Background()
	run, _ := job.Invoke(ctx, struct{}{})
	fmt.Println(outcome(app, run))
	statuses, _ := exampleClient(app).GetRunStatuses(ctx, run.ID)
	for _, status := range statuses.Statuses {
		fmt.Println(status.Key, "is", status.Label, "after", status.History[0].Label)
	}
	// Output:
	// SUCCESS
	// progress is Done after Reading
}
