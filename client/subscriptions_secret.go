package client

import (
	"context"
	"fmt"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// Signing says what a subscription signs with. The zero Signing has the server make a
// secret for signatures of version v1 (HMAC).
type Signing struct {
	// Secret is one of your own: "whsec_..." for signatures of version v1,
	// "whsk_..." for those of version v1a.
	Secret string
	// Asymmetric has the server make a key for signatures of version v1a (Ed25519):
	// receivers verify with a public key, which they could not sign with.
	Asymmetric bool
}

// secretRequest asks for a secret.
type secretRequest struct {
	Secret    string `json:"secret,omitempty"`
	Signature string `json:"signature,omitempty"`
}

func (s Signing) request() secretRequest {
	request := secretRequest{Secret: s.Secret}
	if s.Asymmetric {
		request.Signature = "v1a"
	}
	return request
}

// RotateSubscriptionSecret gives a subscription a new secret, which is in the result. Until
// the overlap is over, the old ones sign as well, so that receivers can be changed one
// after the other; zero ends them at once.
//
// The request is made once: if there is no answer, rotate again.
func (c *Client) RotateSubscriptionSecret(ctx context.Context, id string, overlap time.Duration, signing Signing) (*Subscription, error) {
	request := struct {
		OverlapSeconds int64 `json:"overlapSeconds"`
		secretRequest
	}{int64(overlap / time.Second), signing.request()}
	rotated, err := c.subscription(ctx, c.transport.CallOnce, "POST", transport.Path(subscriptionsPath+"/", id, "/rotate"), request)
	if err != nil {
		return nil, fmt.Errorf("rotate the secret of subscription %s: %w", id, err)
	}
	return rotated, nil
}

// TestSubscription sends a made-up notification, of kind [TestNotification], to a
// subscription, whatever its settings. [Client.GetNotification] returns its attempts.
func (c *Client) TestSubscription(ctx context.Context, id string) (*Notification, error) {
	sent := new(Notification)
	if err := c.transport.CallOnce(ctx, "POST", transport.Path(subscriptionsPath+"/", id, "/test"), struct{}{}, sent); err != nil {
		return nil, fmt.Errorf("test subscription %s: %w", id, err)
	}
	return sent, nil
}

// A DryRun says which of the last week's runs a subscription would have matched.
type DryRun struct {
	// Since is when the oldest of the runs that were examined may have ended.
	Since time.Time `json:"since"`
	// Examined and Matched count runs that had ended.
	Examined int `json:"examined"`
	Matched  int `json:"matched"`
	// Runs are the newest of those that matched.
	Runs []MatchedRun `json:"runs"`
	// Complete is false when there were more runs than one request examines.
	Complete bool `json:"complete"`
}

// A MatchedRun is a run that a subscription would have matched.
type MatchedRun struct {
	ID          string             `json:"runId"`
	JobID       string             `json:"jobId"`
	Status      protocol.RunStatus `json:"status"`
	CompletedAt time.Time          `json:"completedAt"`
}

// DryRunSubscription says which of the last week's runs a subscription with these
// settings would have matched. Nothing is created or sent.
func (c *Client) DryRunSubscription(ctx context.Context, settings SubscriptionSettings) (*DryRun, error) {
	trial := new(DryRun)
	request := &subscriptionRequest{SubscriptionSettings: settings}
	if err := c.transport.Call(ctx, "POST", subscriptionsPath+"/dry-run", request, trial); err != nil {
		return nil, fmt.Errorf("try a subscription to %s: %w", settings.URL, err)
	}
	return trial, nil
}
