package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/internal/jsontext"
	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// SubscriptionSettings say what a standing subscription is notified of, and how. For
// [Client.CreateSubscription] only URL is required, and what is left out has its default.
// For [Client.UpdateSubscription] what is left out stays as it is; an empty slice, map or
// filter.Object that is not nil takes away what was set.
type SubscriptionSettings struct {
	// URL is where notifications are sent.
	URL string `json:"url,omitempty"`
	// Name is for people.
	Name string `json:"name,omitempty"`
	// Enabled is false while notifications are to be held instead of sent. Default:
	// true.
	Enabled *bool `json:"enabled,omitempty"`
	// Events are the kinds of notifications. Default: [RunEnded].
	Events []NotificationKind `json:"events,omitzero"`
	// Jobs are the IDs of the jobs whose runs it is notified of. Default: all jobs.
	Jobs []string `json:"jobs,omitzero"`
	// Statuses are the ends of runs that it is notified of. Default: all of them.
	Statuses []protocol.RunStatus `json:"statuses,omitzero"`
	// Filter is over the RunNotification, as it is sent, for example
	//	filter.Object{"invocation": filter.Object{"payload": filter.Object{"country": filter.Is("DE")}}}
	Filter filter.Filter `json:"filter,omitempty"`
	// Headers are sent with each notification. The server keeps them encrypted, and
	// never returns their values.
	Headers map[string]string `json:"headers,omitzero"`
	// Schedule holds the pause before each attempt. Default: the server's.
	Schedule []time.Duration `json:"-"`
	// RetryClientErrors is false when an answer of 400 to 499, other than 408, 425
	// and 429, is to end a delivery. Default: true.
	RetryClientErrors *bool `json:"retryClientErrors,omitempty"`
	// LegacySignature adds the header X-Trigger-Signature-256, which is made with
	// the environment's API key. Default: false, because it covers no time: whoever
	// gets it can send it again to any receiver that believes it.
	LegacySignature *bool `json:"legacySignature,omitempty"`
	// MaximumConcurrency and MaximumPerSecond limit what each server process sends.
	// Zero means that the subscription has no limit of its own.
	MaximumConcurrency *int     `json:"maximumConcurrency,omitempty"`
	MaximumPerSecond   *float64 `json:"maximumPerSecond,omitempty"`
}

// A Subscription has signed webhooks sent to a URL for the runs of the environment that
// end and match it, without each of them having to name it.
type Subscription struct {
	ID       string               `json:"id"`
	Name     string               `json:"name"`
	URL      string               `json:"url"`
	Enabled  bool                 `json:"enabled"`
	Events   []NotificationKind   `json:"events"`
	Jobs     []string             `json:"jobs"`     // none for all
	Statuses []protocol.RunStatus `json:"statuses"` // none for all
	// Filter is in the protocol's language; nil for none.
	Filter json.RawMessage `json:"filter"`
	// HeaderNames are those of the headers that it adds, sorted.
	HeaderNames []string `json:"-"`
	// Schedule holds the pause before each attempt; nil for the server's.
	Schedule           []time.Duration `json:"-"`
	RetryClientErrors  bool            `json:"retryClientErrors"`
	LegacySignature    bool            `json:"legacySignature"`
	MaximumConcurrency int             `json:"maximumConcurrency"`
	MaximumPerSecond   float64         `json:"maximumPerSecond"`
	// Secret is what receivers verify with, or, if the subscription is [Asymmetric],
	// the private key. It is returned once: by the method that made it.
	Secret string `json:"secret"`
	// Keys are those that sign at present, the current one first.
	Keys []SigningKey `json:"keys"`
	// FailingSince is when nothing arrived any more; zero while things do.
	FailingSince time.Time `json:"failingSince"`
	// DisabledAt and DisabledReason say when and why the server disabled it; zero if it
	// did not.
	DisabledAt     time.Time `json:"disabledAt"`
	DisabledReason string    `json:"disabledReason"`
	CreatedAt      time.Time `json:"createdAt"`
	UpdatedAt      time.Time `json:"updatedAt"`
}

// A SigningKey is a secret of a subscription, without what is secret of it.
type SigningKey struct {
	// Version is that of its signatures: "v1", or "v1a" for an asymmetric one.
	Version string `json:"version"`
	// PublicKey is what receivers verify signatures of version v1a with.
	PublicKey string `json:"publicKey"`
	// ExpiresAt is when it ceases to sign; zero for the current one.
	ExpiresAt time.Time `json:"expiresAt"`
}

const subscriptionsPath = ownAPI + "/subscriptions"

// CreateSubscription creates a standing subscription. The Secret of the result is returned
// this once: give it to the receiver.
//
// The request is made once: if there is no answer, [Client.ListSubscriptions] says whether
// there is a new subscription.
func (c *Client) CreateSubscription(ctx context.Context, settings SubscriptionSettings, signing Signing) (*Subscription, error) {
	request := subscriptionRequest{SubscriptionSettings: settings, secretRequest: signing.request()}
	subscription, err := c.subscription(ctx, c.transport.CallOnce, "POST", subscriptionsPath, &request)
	if err != nil {
		return nil, fmt.Errorf("create a subscription to %s: %w", settings.URL, err)
	}
	return subscription, nil
}

// GetSubscription returns a subscription.
func (c *Client) GetSubscription(ctx context.Context, id string) (*Subscription, error) {
	subscription, err := c.subscription(ctx, c.transport.Call, "GET", transport.Path(subscriptionsPath+"/", id), nil)
	if err != nil {
		return nil, fmt.Errorf("get subscription %s: %w", id, err)
	}
	return subscription, nil
}

// ListSubscriptions returns the subscriptions of the environment, oldest first.
func (c *Client) ListSubscriptions(ctx context.Context) iter.Seq2[*Subscription, error] {
	return allPages(func(request PageRequest) (Page[*Subscription], error) { return c.PageOfSubscriptions(ctx, request) })
}

// PageOfSubscriptions returns a page of what [Client.ListSubscriptions] does.
func (c *Client) PageOfSubscriptions(ctx context.Context, request PageRequest) (Page[*Subscription], error) {
	return getPage(ctx, c, subscriptionsPath, "subscriptions", url.Values{}, request, (*wireSubscription).subscription)
}

// UpdateSubscription changes the settings that are not left out, and returns the
// subscription as it then is.
func (c *Client) UpdateSubscription(ctx context.Context, id string, settings SubscriptionSettings) (*Subscription, error) {
	request := subscriptionRequest{SubscriptionSettings: settings}
	subscription, err := c.subscription(ctx, c.transport.Call, "PATCH", transport.Path(subscriptionsPath+"/", id), &request)
	if err != nil {
		return nil, fmt.Errorf("update subscription %s: %w", id, err)
	}
	return subscription, nil
}

// DeleteSubscription deletes a subscription: nothing more is sent to it, and what was not
// delivered never is.
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	if err := c.transport.CallOnce(ctx, "DELETE", transport.Path(subscriptionsPath+"/", id), nil, &struct{}{}); err != nil {
		return fmt.Errorf("delete subscription %s: %w", id, err)
	}
	return nil
}

// apiCall is how a request is made: Call or CallOnce of the transport.
type apiCall func(ctx context.Context, method, path string, body, answer any, headers ...string) error

// subscription makes a request of which the answer is a subscription.
func (c *Client) subscription(ctx context.Context, call apiCall, method, path string, body any) (*Subscription, error) {
	var answer wireSubscription
	if err := call(ctx, method, path, body, &answer); err != nil {
		return nil, err
	}
	return answer.subscription(), nil
}

// subscriptionRequest is the body of a request to create or update a subscription.
type subscriptionRequest struct {
	SubscriptionSettings
	secretRequest
}

// MarshalJSON writes the pauses of the schedule in seconds.
func (r *subscriptionRequest) MarshalJSON() ([]byte, error) {
	type settings SubscriptionSettings
	wire := struct {
		settings
		secretRequest
		Schedule []float64 `json:"schedule,omitzero"`
	}{settings: settings(r.SubscriptionSettings), secretRequest: r.secretRequest}
	if r.Schedule != nil {
		wire.Schedule = []float64{}
	}
	for _, pause := range r.Schedule {
		wire.Schedule = append(wire.Schedule, pause.Seconds())
	}
	return jsontext.Encode(wire)
}

// wireSubscription is a subscription as the server sends it.
type wireSubscription struct {
	Subscription
	Seconds []float64         `json:"schedule"`
	Headers map[string]string `json:"headers"`
}

func (w *wireSubscription) subscription() *Subscription {
	s := &w.Subscription
	for _, seconds := range w.Seconds {
		s.Schedule = append(s.Schedule, time.Duration(seconds*float64(time.Second)))
	}
	s.HeaderNames = slices.Sorted(maps.Keys(w.Headers))
	return s
}
