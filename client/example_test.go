package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// A receiver is notified of the large orders that fail.
func ExampleClient_CreateSubscription() {
	ctx := context.Background()
	c, err := client.New(client.Config{}) // RUNHOOK_API_KEY, RUNHOOK_API_URL
	if err != nil {
		fmt.Println(err)
		return
	}
	settings := client.SubscriptionSettings{
		URL:      "https://shop.example.com/failed",
		Jobs:     []string{"fulfil-order"},
		Statuses: []protocol.RunStatus{protocol.RunFailure, protocol.RunTimedOut},
		Filter:   filter.Object{"invocation": filter.Object{"payload": filter.Object{"total": filter.AtLeast(10_000)}}},
		Headers:  map[string]string{"X-Team": "orders"},
	}

	trial, err := c.DryRunSubscription(ctx, settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("of the last week's runs it would have matched", trial.Matched)

	subscription, err := c.CreateSubscription(ctx, settings, client.Signing{})
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

// What did not arrive while a receiver was broken is sent again.
func ExampleClient_ReplayNotifications() {
	ctx := context.Background()
	c, err := client.New(client.Config{}) // RUNHOOK_API_KEY, RUNHOOK_API_URL
	if err != nil {
		fmt.Println(err)
		return
	}
	for letter, err := range c.ListNotifications(ctx, client.NotificationFilter{Status: client.NotificationExhausted}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("the end of", letter.RunID, "did not reach", letter.URL)
	}
	replayed, err := c.ReplayNotifications(ctx, client.ReplayFilter{
		Destination: "https://shop.example.com", Since: time.Now().Add(-24 * time.Hour),
	})
	fmt.Println(replayed, err)
}

// A receiver without an address of its own reads what happened, and resumes where it
// was when it starts again.
func ExampleClient_FollowFeed() {
	c, err := client.New(client.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	cursor := "0" // the last that was kept
	for item, err := range c.FollowFeed(context.Background(), cursor, client.FeedFilter{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		var ended protocol.RawRunNotification
		if err := json.Unmarshal(item.Payload, &ended); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(ended.ID, ended.Status)
		cursor = item.Cursor // to be kept with what was done
	}
}
