package receiver

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/runhook/runhook/protocol"
)

const (
	defaultTolerance = 5 * time.Minute
	defaultMaxBody   = 10 << 20
)

// Config says whom to believe and how much to read. At least one of APIKey,
// PreviousAPIKeys and Secrets must be set; everything else has a default.
type Config struct {
	// APIKey is the secret API key of the environment that the runs are in. It
	// verifies both signatures.
	APIKey string
	// PreviousAPIKeys are believed as well: keys that were or will be in use
	// while the key is being changed.
	PreviousAPIKeys []string
	// Secrets verify the Standard Webhooks headers only, each in the form
	// "whsec_" and base64, such as [protocol.WebhookSecret] derives from an API
	// key. Several are believed, so that a secret can be changed without a gap.
	Secrets []string

	// Tolerance is how far the timestamp of a delivery may be from Now, before
	// or after. Zero means 5 minutes.
	Tolerance time.Duration
	// RequireTimestamp refuses requests that are signed only by
	// X-Trigger-Signature-256, which covers no timestamp.
	RequireTimestamp bool
	// MaxBody is the largest body that is read, in bytes. Zero means 10 MiB.
	MaxBody int64

	// Seen remembers which deliveries were handled. Nil means that the function
	// is called for every delivery.
	Seen Seen
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger gets a line for every request that did not end in 200. Nil means
	// slog.Default().
	Logger *slog.Logger
}

// withDefaults returns c with every default filled in, or an error that names
// the field that is wrong.
func (c Config) withDefaults() (Config, error) {
	if c.Tolerance < 0 {
		return c, fmt.Errorf("receiver: Tolerance is %s, and must not be negative", c.Tolerance)
	}
	if c.MaxBody < 0 {
		return c, fmt.Errorf("receiver: MaxBody is %d, and must not be negative", c.MaxBody)
	}
	if c.Tolerance == 0 {
		c.Tolerance = defaultTolerance
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// keys returns what verifies each of the two signatures.
func (c Config) keys() (apiKeys []string, webhookKeys []protocol.WebhookKey, err error) {
	if c.APIKey != "" {
		apiKeys = append(apiKeys, c.APIKey)
	}
	for i, key := range c.PreviousAPIKeys {
		if key == "" {
			return nil, nil, fmt.Errorf("receiver: PreviousAPIKeys[%d] is empty", i)
		}
		apiKeys = append(apiKeys, key)
	}
	for i, secret := range c.Secrets {
		key, err := protocol.ParseWebhookSecret(secret)
		if err != nil {
			return nil, nil, fmt.Errorf("receiver: Secrets[%d]: %w", i, err)
		}
		webhookKeys = append(webhookKeys, key)
	}
	for _, key := range apiKeys {
		webhookKeys = append(webhookKeys, protocol.DerivedWebhookKey(key))
	}
	if len(webhookKeys) == 0 {
		return nil, nil, errors.New("receiver: APIKey and Secrets are both empty, so no signature could be verified: set one of them")
	}
	return apiKeys, webhookKeys, nil
}
