package runhook_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/verify"
)

func ExampleDynamicTrigger() {
	type Repository struct{ Owner, Name string }
	type Push struct {
		Ref string `json:"ref"`
	}
	app := runhook.New(runhook.Config{ID: "builds"})
	pushes := runhook.NewDynamicTrigger[Push](app, "pushes", "push", runhook.ExternalSource[Repository]{
		Service: "GitHub",
		Register: func(ctx context.Context, r runhook.SourceRegistration[Repository]) (runhook.Registered, error) {
			id, err := runhook.Task(ctx, "create-webhook", func(ctx context.Context) (int, error) {
				return createWebhook(ctx, r.Params.Owner, r.Params.Name, r.URL, r.Secret)
			})
			return runhook.Registered{Data: id}, err
		},
		Handle: func(_ context.Context, request *runhook.SourceRequest[Repository]) ([]runhook.Event, error) {
			if err := verify.GitHub(request.Secret)(&request.Request); err != nil {
				return nil, runhook.NonRetryable(err) // not from there
			}
			return []runhook.Event{{
				ID: request.Header.Get("X-GitHub-Delivery"), Name: request.Header.Get("X-GitHub-Event"), Payload: json.RawMessage(request.Body),
			}}, nil
		},
	})
	runhook.NewJob(app, "build", "1.0.0", runhook.OnDynamicTrigger(pushes),
		func(ctx context.Context, push Push) (string, error) {
			return "built " + push.Ref + " of " + runhook.CurrentRun(ctx).Source.ID, nil
		})

	// When a user adds a repository; in a job it works the same.
	err := pushes.Register(context.Background(), "ann/lamp", Repository{"ann", "lamp"}, runhook.AccountID("ann"),
		runhook.Where(filter.Object{"ref": filter.Is("refs/heads/main")}))
	fmt.Println(err)
}

// createWebhook stands for a call of GitHub's API.
func createWebhook(_ context.Context, _, _, _, _ string) (int, error) { return 1, nil }

func ExampleJob_Result() {
	app := newExampleApp()
	pack := runhook.NewJob(app, "pack", "1.0.0", runhook.OnInvoke[Order](),
		func(_ context.Context, order Order) (string, error) { return "parcel of " + order.ID, nil })

	ctx := context.Background()
	run, err := pack.Invoke(ctx, Order{ID: "A-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	settle(app)
	fmt.Println(pack.Result(ctx, run))
	// Output: parcel of A-1 <nil>
}
