package runhook

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
	"github.com/runhook/runhook/protocol"
)

// SubscriptionSettings say what a standing subscription is told of, and how. For
// [Client.CreateSubscription] only URL is required, and what is left out has its
// default. For [Client.ChangeSubscription] what is left out stays as it is; an
// empty slice, map or filter.Object that is not nil takes away what was set.
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
	// Jobs are the IDs of the jobs whose runs it is told of. Default: all jobs.
	Jobs []string `json:"jobs,omitzero"`
	// Statuses are the ends of runs that it is told of. Default: all of them.
	Statuses []protocol.RunStatus `json:"statuses,omitzero"`
	// Filter is over the RunNotification, as it is sent, for example
	//	filter.Object{"invocation": filter.Object{"payload": filter.Object{"country": filter.Is("DE")}}}
	Filter filter.Filter `json:"filter,omitempty"`
	// Headers are sent with each notification. The server keeps them encrypted and
	// never tells their values.
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

// A Subscription is told, by signed webhooks, of runs that end: whichever of the
// environment it is for, without each of them having to name it.
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
	// the private key. It is told once: by the method that made it.
	Secret string `json:"secret"`
	// Keys are those that sign at present, the current one first.
	Keys []SigningKey `json:"keys"`
	// FailingSince is when nothing arrived any more; zero while things do.
	FailingSince time.Time `json:"failingSince"`
	// DisabledAt and DisabledReason tell when and why the server switched it off;
	// zero if it did not.
	DisabledAt     time.Time `json:"disabledAt"`
	DisabledReason string    `json:"disabledReason"`
	CreatedAt      time.Time `json:"createdAt"`
	UpdatedAt      time.Time `json:"updatedAt"`
}

// A SigningKey is a secret of a subscription, as far as it may be told.
type SigningKey struct {
	// Version is that of its signatures: "v1", or "v1a" for an asymmetric one.
	Version string `json:"version"`
	// PublicKey is what receivers verify signatures of version v1a with.
	PublicKey string `json:"publicKey"`
	// ExpiresAt is when it ceases to sign; zero for the current one.
	ExpiresAt time.Time `json:"expiresAt"`
}

const subscriptionsPath = "/api/runhook/v1/subscriptions"

// CreateSubscription makes a standing subscription. The Secret of the result is
// told this once: give it to the receiver.
//
// The request is made once. If there is no answer, the subscription may have been
// made all the same: [Client.ListSubscriptions] knows. In a job, call it in a [Task].
func (c *Client) CreateSubscription(ctx context.Context, settings SubscriptionSettings, options ...SecretOption) (*Subscription, error) {
	request := subscriptionRequest{SubscriptionSettings: settings, secretRequest: newSecretRequest(options)}
	subscription, err := c.subscription(ctx, c.api.callOnce, "POST", subscriptionsPath, &request)
	if err != nil {
		return nil, fmt.Errorf("create a subscription to %s: %w", settings.URL, err)
	}
	return subscription, nil
}

// GetSubscription returns a subscription. The error for one that the environment
// does not have is an [*APIError] with status 404.
func (c *Client) GetSubscription(ctx context.Context, id string) (*Subscription, error) {
	subscription, err := c.subscription(ctx, c.api.call, "GET", path(subscriptionsPath+"/", id), nil)
	if err != nil {
		return nil, fmt.Errorf("get subscription %s: %w", id, err)
	}
	return subscription, nil
}

// ListSubscriptions returns the subscriptions of the environment, oldest first.
// They are asked for page by page, as the loop goes on; an error is the last of
// them.
func (c *Client) ListSubscriptions(ctx context.Context) iter.Seq2[*Subscription, error] {
	return listPages(func(cursor string) ([]*Subscription, string, error) {
		var page struct {
			Subscriptions []wireSubscription `json:"subscriptions"`
			NextCursor    string             `json:"nextCursor"`
		}
		if err := c.api.call(ctx, "GET", withQuery(subscriptionsPath, url.Values{"cursor": {cursor}}), nil, &page); err != nil {
			return nil, "", fmt.Errorf("list subscriptions: %w", err)
		}
		var found []*Subscription
		for i := range page.Subscriptions {
			found = append(found, page.Subscriptions[i].told())
		}
		return found, page.NextCursor, nil
	})
}

// ChangeSubscription changes the settings that are not left out, and returns the
// subscription as it then is. In a job, call it in a [Task].
func (c *Client) ChangeSubscription(ctx context.Context, id string, settings SubscriptionSettings) (*Subscription, error) {
	request := subscriptionRequest{SubscriptionSettings: settings}
	subscription, err := c.subscription(ctx, c.api.call, "PATCH", path(subscriptionsPath+"/", id), &request)
	if err != nil {
		return nil, fmt.Errorf("change subscription %s: %w", id, err)
	}
	return subscription, nil
}

// DeleteSubscription ends a subscription: nothing more is sent to it, and what was
// not delivered never is. In a job, call it in a [Task].
func (c *Client) DeleteSubscription(ctx context.Context, id string) error {
	if err := c.api.callOnce(ctx, "DELETE", path(subscriptionsPath+"/", id), nil, &struct{}{}); err != nil {
		return fmt.Errorf("delete subscription %s: %w", id, err)
	}
	return nil
}

// subscription makes a request of which the answer is a subscription.
func (c *Client) subscription(ctx context.Context, call apiCall, method, path string, body any) (*Subscription, error) {
	var answer wireSubscription
	if err := call(ctx, method, path, body, &answer); err != nil {
		return nil, err
	}
	return answer.told(), nil
}

// subscriptionRequest is what the server is asked to make or change.
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
	return encode(wire)
}

// wireSubscription is a subscription as the server tells it.
type wireSubscription struct {
	Subscription
	Seconds []float64         `json:"schedule"`
	Headers map[string]string `json:"headers"`
}

func (w *wireSubscription) told() *Subscription {
	s := &w.Subscription
	for _, seconds := range w.Seconds {
		s.Schedule = append(s.Schedule, time.Duration(seconds*float64(time.Second)))
	}
	s.HeaderNames = slices.Sorted(maps.Keys(w.Headers))
	return s
}
