package runhook

import (
	"context"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
)

// A SecretOption says what a subscription signs with: [OwnSecret] or [Asymmetric].
// Without one, the server makes a secret for signatures of version v1 (HMAC).
type SecretOption interface{ applyToSecret(*secretRequest) }

// secretRequest asks for a secret.
type secretRequest struct {
	Secret    string `json:"secret,omitempty"`
	Signature string `json:"signature,omitempty"`
}

func newSecretRequest(options []SecretOption) (request secretRequest) {
	for _, option := range options {
		option.applyToSecret(&request)
	}
	return request
}

// OwnSecret is a secret of your own: "whsec_..." for signatures of version v1,
// "whsk_..." for those of version v1a.
type OwnSecret string

func (s OwnSecret) applyToSecret(r *secretRequest) { r.Secret = string(s) }

// Asymmetric says whether receivers are to verify with a public key, which tells
// them nothing that they could sign with: signatures of version v1a (Ed25519).
type Asymmetric bool

func (a Asymmetric) applyToSecret(r *secretRequest) {
	r.Signature = ""
	if a {
		r.Signature = "v1a"
	}
}

// RotateSubscriptionSecret gives a subscription a new secret, which the result
// tells. Until the overlap is over, the old ones sign as well, so that receivers can
// be changed one after the other; zero ends them at once.
//
// The request is made once. If there is no answer, rotate again. In a job, call it
// in a [Task].
func (c *Client) RotateSubscriptionSecret(ctx context.Context, id string, overlap time.Duration, options ...SecretOption) (*Subscription, error) {
	request := struct {
		OverlapSeconds int64 `json:"overlapSeconds"`
		secretRequest
	}{int64(overlap / time.Second), newSecretRequest(options)}
	rotated, err := c.subscription(ctx, c.api.callOnce, "POST", path(subscriptionsPath+"/", id, "/rotate"), request)
	if err != nil {
		return nil, fmt.Errorf("rotate the secret of subscription %s: %w", id, err)
	}
	return rotated, nil
}

// TestSubscription sends a made-up notification, of kind [TestNotification], to a
// subscription, whatever that is told of otherwise. How it went is in the log:
// [Client.GetNotification]. In a job, call it in a [Task].
func (c *Client) TestSubscription(ctx context.Context, id string) (*Notification, error) {
	sent := new(Notification)
	if err := c.api.callOnce(ctx, "POST", path(subscriptionsPath+"/", id, "/test"), struct{}{}, sent); err != nil {
		return nil, fmt.Errorf("test subscription %s: %w", id, err)
	}
	return sent, nil
}

// A DryRun says which of the last week's runs a subscription would have been told
// of.
type DryRun struct {
	// Since is from when on runs were looked at.
	Since time.Time `json:"since"`
	// Examined and Matched count runs that had ended.
	Examined int `json:"examined"`
	Matched  int `json:"matched"`
	// Runs are the newest of those that matched.
	Runs []MatchedRun `json:"runs"`
	// Complete is false when there were more runs than one request looks at.
	Complete bool `json:"complete"`
}

// A MatchedRun is a run that a subscription would have been told of.
type MatchedRun struct {
	ID          string             `json:"runId"`
	JobID       string             `json:"jobId"`
	Status      protocol.RunStatus `json:"status"`
	CompletedAt time.Time          `json:"completedAt"`
}

// DryRunSubscription says which of the last week's runs a subscription with these
// settings would have been told of. Nothing is made or sent.
func (c *Client) DryRunSubscription(ctx context.Context, settings SubscriptionSettings) (*DryRun, error) {
	trial := new(DryRun)
	request := &subscriptionRequest{SubscriptionSettings: settings}
	if err := c.api.call(ctx, "POST", subscriptionsPath+"/dry-run", request, trial); err != nil {
		return nil, fmt.Errorf("try a subscription to %s: %w", settings.URL, err)
	}
	return trial, nil
}
