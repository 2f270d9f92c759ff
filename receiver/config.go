package receiver

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

const (
	defaultTolerance = 5 * time.Minute
	defaultMaxBody   = 10 << 20
)

// Config says whom to believe and how much to read. At least one of APIKey,
// PreviousAPIKeys, Secrets and PublicKeys must be set; everything else has a
// default.
type Config struct {
	// APIKey is the secret API key of the environment that the runs are in. It
	// verifies the Standard Webhooks headers and, with AllowLegacy,
	// X-Trigger-Signature-256.
	APIKey string
	// PreviousAPIKeys are believed as well: keys that were or will be in use
	// while the key is being changed.
	PreviousAPIKeys []string
	// Secrets verify the Standard Webhooks headers only, each in the form
	// "whsec_" and base64, such as [protocol.WebhookSecret] derives from an API
	// key. Several are believed, so that a secret can be changed without a gap.
	Secrets []string
	// PublicKeys verify the Standard Webhooks headers of a sender that signs with an
	// asymmetric key, each in the form "whpk_" and base64. Several are believed.
	// They are no secrets: a receiver with nothing else can sign nothing itself.
	PublicKeys []string

	// Tolerance is how far the timestamp of a delivery may be from Now, before
	// or after. Zero means 5 minutes.
	Tolerance time.Duration
	// AllowLegacy accepts requests without any Standard Webhooks header on the
	// strength of X-Trigger-Signature-256 alone, as senders other than Runhook make
	// them. It covers neither an ID nor the time: anyone who has seen a webhook can
	// strip its other headers and send it again, even years later. It needs an API
	// key. With it, Seen knows a notification by its run and the end of it instead
	// of by its webhook ID.
	AllowLegacy bool
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
	if c.AllowLegacy && c.APIKey == "" && len(c.PreviousAPIKeys) == 0 {
		return c, errors.New("receiver: AllowLegacy is set, but there is no API key to verify X-Trigger-Signature-256 with: set APIKey")
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

// keys is what signatures are verified with.
type keys struct {
	// apiKeys verify X-Trigger-Signature-256.
	apiKeys []string
	// secrets and public verify the Standard Webhooks headers.
	secrets []protocol.WebhookKey
	public  []protocol.PublicKey
}

// keys reads what c holds, and names the field that is wrong.
func (c Config) keys() (k keys, err error) {
	// Blanks and line breaks around a key, as a file leaves them, are not part of it.
	if key := strings.TrimSpace(c.APIKey); key != "" {
		k.apiKeys = append(k.apiKeys, key)
	}
	for i, key := range c.PreviousAPIKeys {
		if key = strings.TrimSpace(key); key == "" {
			return keys{}, fmt.Errorf("receiver: PreviousAPIKeys[%d] is empty", i)
		}
		k.apiKeys = append(k.apiKeys, key)
	}
	if slices.ContainsFunc(k.apiKeys, func(key string) bool { return strings.HasPrefix(key, "pk_") }) {
		return keys{}, errors.New("receiver: APIKey or one of PreviousAPIKeys is a public key (pk_...), which signs nothing: give the secret one (tr_...)")
	}
	for i, text := range c.Secrets {
		secret, err := protocol.ParseWebhookSecret(strings.TrimSpace(text))
		if err != nil {
			return keys{}, fmt.Errorf("receiver: Secrets[%d]: %w", i, err)
		}
		k.secrets = append(k.secrets, secret)
	}
	for _, key := range k.apiKeys {
		k.secrets = append(k.secrets, protocol.DerivedWebhookKey(key))
	}
	for i, text := range c.PublicKeys {
		public, err := protocol.ParsePublicKey(strings.TrimSpace(text))
		if err != nil {
			return keys{}, fmt.Errorf("receiver: PublicKeys[%d]: %w", i, err)
		}
		k.public = append(k.public, public)
	}
	if len(k.secrets)+len(k.public) == 0 {
		return keys{}, errors.New("receiver: APIKey, Secrets and PublicKeys are all empty, so no signature could be verified: set one of them")
	}
	return k, nil
}

// verifyWebhook tries every key, so that the time taken does not reveal which of
// them fits.
func (k keys) verifyWebhook(id, timestamp string, body []byte, header string) (verified bool) {
	for _, key := range k.secrets {
		verified = key.Verify(id, timestamp, body, header) || verified
	}
	for _, key := range k.public {
		verified = key.Verify(id, timestamp, body, header) || verified
	}
	return verified
}

// verifyBody does the same for the signature of the body alone.
func (k keys) verifyBody(body []byte, signature string) (verified bool) {
	for _, key := range k.apiKeys {
		verified = protocol.VerifyBody(key, body, signature) || verified
	}
	return verified
}
