package harness

import (
	"fmt"
	"maps"
	"net/url"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// Subscription is a subscription as our own API returns it.
type Subscription struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	URL             string            `json:"url"`
	Enabled         bool              `json:"enabled"`
	Headers         map[string]string `json:"headers"`
	LegacySignature bool              `json:"legacySignature"`
	Secret          string            `json:"secret"`
	Keys            []SigningKey      `json:"keys"`
	FailingSince    *protocol.Time    `json:"failingSince"`
	DisabledAt      *protocol.Time    `json:"disabledAt"`
	DisabledReason  string            `json:"disabledReason"`
}

// SigningKey is what the API shows of a subscription's secret.
type SigningKey struct {
	Version   string         `json:"version"`
	PublicKey string         `json:"publicKey"`
	ExpiresAt *protocol.Time `json:"expiresAt"`
}

// Fields are members of a JSON object.
type Fields map[string]any

const subscriptionsPath = "/api/runhook/v1/subscriptions"

// Subscribe makes a subscription to a URL, with other fields beside it.
func (c *Client) Subscribe(url string, fields Fields) (s Subscription) {
	c.t.Helper()
	body := Fields{"url": url}
	maps.Copy(body, fields)
	c.OK("POST", subscriptionsPath, body, &s)
	return s
}

// Subscription returns a subscription.
func (c *Client) Subscription(id string) (s Subscription) {
	c.t.Helper()
	c.OK("GET", subscriptionsPath+"/"+id, nil, &s)
	return s
}

// ChangeSubscription changes a subscription.
func (c *Client) ChangeSubscription(id string, fields Fields) (s Subscription) {
	c.t.Helper()
	c.OK("PATCH", subscriptionsPath+"/"+id, fields, &s)
	return s
}

// WaitSubscribed waits until so many attempts were made for the newest
// notification of a subscription, and returns it.
func (c *Client) WaitSubscribed(id string, attempts int) (found Notification) {
	c.t.Helper()
	c.wait(fmt.Sprintf("attempt %d for subscription %s to be recorded", attempts, id), func() bool {
		list, _ := c.Notifications(url.Values{"subscription": {id}})
		if len(list) == 0 || list[0].AttemptCount < attempts {
			return false
		}
		found = c.Notification(list[0].ID)
		return true
	})
	return found
}

// NewSubscriber makes a subscription whose receiver verifies by its secret alone.
func NewSubscriber(t testing.TB, s *Server, fields Fields, replies ...Reply) (Subscription, *Receiver) {
	t.Helper()
	done := NewReceiver(t, s, replies...)
	made := s.Development().Subscribe(done.URL, fields)
	done.Trust(receiver.Config{Secrets: []string{made.Secret}})
	return made, done
}
