package runhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
	"github.com/runhook/runhook/verify"
)

// Whoever looks after large orders is told of those that fail.
func ExampleClient_CreateSubscription() {
	client := runhook.New(runhook.Config{ID: "shop"})
	ctx := context.Background()
	settings := runhook.SubscriptionSettings{
		URL:      "https://shop.example.com/failed",
		Jobs:     []string{"fulfil-order"},
		Statuses: []protocol.RunStatus{protocol.RunFailure, protocol.RunTimedOut},
		Filter:   filter.Object{"invocation": filter.Object{"payload": filter.Object{"total": filter.AtLeast(10_000)}}},
		Headers:  map[string]string{"X-Team": "orders"},
	}

	trial, err := client.DryRunSubscription(ctx, settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("of the last week's runs it would have been told of", trial.Matched)

	subscription, err := client.CreateSubscription(ctx, settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	failed, err := receiver.New(receiver.Config{Secrets: []string{subscription.Secret}},
		func(_ context.Context, n protocol.RawRunNotification) error {
			fmt.Println("failed", n.ID)
			return nil
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	http.Handle("/failed", failed)
}

// What a receiver gave up on while it was broken is sent again.
func ExampleClient_ReplayNotifications() {
	client := runhook.New(runhook.Config{ID: "shop"})
	ctx := context.Background()
	for letter, err := range client.ListNotifications(ctx, runhook.NotificationQuery{Status: runhook.NotificationExhausted}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(letter.RunID, "was not told to", letter.URL)
	}
	replayed, err := client.ReplayNotifications(ctx, runhook.Replay{
		Destination: "https://shop.example.com", Since: time.Now().Add(-24 * time.Hour),
	})
	fmt.Println(replayed, err)
}

// A receiver without an address of its own reads what happened, and goes on where it
// was when it starts again.
func ExampleClient_FollowFeed() {
	client := runhook.New(runhook.Config{ID: "shop"})
	cursor := "0" // the last that was kept
	for item, err := range client.FollowFeed(context.Background(), cursor) {
		if err != nil {
			fmt.Println(err)
			return
		}
		var ended protocol.RunNotification[Receipt, Order]
		if err := json.Unmarshal(item.Payload, &ended); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(ended.ID, ended.Status)
		cursor = item.Cursor // to be kept with what was done
	}
}

func ExampleDynamicTrigger() {
	type Repository struct{ Owner, Name string }
	type Push struct {
		Ref string `json:"ref"`
	}
	client := runhook.New(runhook.Config{ID: "builds"})
	pushes := runhook.NewDynamicTrigger[Push](client, "pushes", "push", runhook.ExternalSource[Repository]{
		Service: "GitHub",
		Register: func(ctx context.Context, r runhook.SourceRegistration[Repository]) (runhook.Registered, error) {
			id, err := runhook.Task(ctx, "create-webhook", func(ctx context.Context) (int, error) {
				return createWebhook(ctx, r.Params.Owner, r.Params.Name, r.URL, r.Secret)
			})
			return runhook.Registered{Data: id}, err
		},
		Handle: func(_ context.Context, request *runhook.SourceRequest[Repository]) ([]runhook.Event, error) {
			if err := verify.GitHub(request.Secret)(&request.Request); err != nil {
				return nil, runhook.NoRetry(err) // not from there
			}
			return []runhook.Event{{
				ID: request.Header.Get("X-GitHub-Delivery"), Name: request.Header.Get("X-GitHub-Event"), Payload: json.RawMessage(request.Body),
			}}, nil
		},
	})
	runhook.NewJob(client, "build", "1.0.0", runhook.OnDynamicTrigger(pushes),
		func(ctx context.Context, push Push) (string, error) {
			return "built " + push.Ref + " of " + runhook.RunFrom(ctx).Source.ID, nil
		})

	// When a user adds a repository; in a job it works the same.
	err := pushes.Register(context.Background(), "ann/lamp", Repository{"ann", "lamp"}, runhook.AccountID("ann"),
		runhook.Where(filter.Object{"ref": filter.Is("refs/heads/main")}))
	fmt.Println(err)
}

// createWebhook stands for a call of GitHub's API.
func createWebhook(_ context.Context, _, _, _, _ string) (int, error) { return 1, nil }

func ExampleJob_Result() {
	client := newClient()
	pack := runhook.NewJob(client, "pack", "1.0.0", runhook.OnInvoke[Order](),
		func(_ context.Context, order Order) (string, error) { return "parcel of " + order.ID, nil })

	ctx := context.Background()
	run, err := pack.Invoke(ctx, Order{ID: "A-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	settle(client)
	fmt.Println(pack.Result(ctx, run))
	// Output: parcel of A-1 <nil>
}
