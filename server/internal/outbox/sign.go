package outbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// Header is a header of a request.
type Header struct{ Name, Value string }

// Sign returns the headers that sign a notification under its id and a time; subscription
// is nil if the notification is for none
// (docs/protocol/decisions.md §1.11, Standard Webhooks 1.0.0).
func Sign(n model.Notification, environment *model.Environment, subscription *model.Subscription, now time.Time) ([]Header, error) {
	apiKey := environment.APIKey
	var signatures []string
	if subscription == nil {
		signatures = []string{protocol.DerivedWebhookKey(apiKey).Sign(n.ID, now, n.Body)}
	} else {
		for _, secret := range subscription.LiveSecrets(now) {
			key, err := ParseSecret(secret)
			if err != nil {
				return nil, fmt.Errorf("a secret of subscription %s: %w", n.SubscriptionID, err)
			}
			signatures = append(signatures, key.Sign(n.ID, now, n.Body))
		}
	}
	fields := []Header{
		{protocol.HeaderWebhookID, n.ID},
		{protocol.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10)},
		{protocol.HeaderWebhookSignature, strings.Join(signatures, " ")},
	}
	// It covers no time, so that whoever gets it can send it again to a receiver of
	// the environment that believes it.
	if subscription == nil || subscription.Settings.LegacySignature {
		fields = append(fields, Header{protocol.HeaderSignature, protocol.SignBody(apiKey, n.Body)})
	}
	return fields, nil
}

// PrefixPrivate is how a private key begins (Standard Webhooks 1.0.0).
const PrefixPrivate = "whsk_"

// ParseSecret reads a secret that signs: a symmetric or a private key.
func ParseSecret(secret string) (protocol.WebhookSigner, error) {
	if strings.HasPrefix(secret, PrefixPrivate) {
		return protocol.ParseAsymmetricKey(secret)
	}
	return protocol.ParseWebhookSecret(secret)
}
