package protocol

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

const (
	secretPrefix         = "whsec_"
	secretLabel          = "runhook completion webhook, version 1"
	minSecretBytes       = 24
	maxSecretBytes       = 64
	generatedSecretBytes = 32
	redactedSecretKey    = secretPrefix + "[hidden]"
)

// ErrBadSecret is wrapped by the errors of [ParseWebhookSecret].
var ErrBadSecret = errors.New("not a webhook secret")

// WebhookSecret returns the secret, in the form "whsec_" and base64, that signs
// the Standard Webhooks headers of what an environment sends to the callback
// URLs of its runs. It is derived from the environment's secret API key: the
// HMAC-SHA256, keyed by it, of the text "runhook completion webhook, version 1".
// So a receiver with the API key can verify both signatures, while one with
// only the secret can neither call the API nor learn the key. apiKey must not be
// empty.
func WebhookSecret(apiKey string) string {
	return DerivedWebhookKey(apiKey).Secret()
}

// DerivedWebhookKey returns the key that [WebhookSecret] writes as text.
func DerivedWebhookKey(apiKey string) WebhookKey {
	mac := hmac.New(sha256.New, []byte(apiKey))
	mac.Write([]byte(secretLabel))
	return WebhookKey{mac.Sum(nil)}
}

// WebhookKey signs and verifies with one shared secret, as the Standard Webhooks
// specification says (version v1, HMAC-SHA256). The zero value verifies nothing. It prints as a placeholder, so that it can
// not end up in a log. It is safe for concurrent use.
type WebhookKey struct{ secret []byte }

// ParseWebhookSecret reads a secret in the form "whsec_" and base64 of 24 to 64
// bytes. Errors wrap [ErrBadSecret] and never quote the secret.
func ParseWebhookSecret(secret string) (WebhookKey, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return WebhookKey{}, fmt.Errorf("%w: it must begin with %s", ErrBadSecret, secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return WebhookKey{}, fmt.Errorf("%w: what follows %s must be base64", ErrBadSecret, secretPrefix)
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return WebhookKey{}, fmt.Errorf("%w: it holds %d bytes, and must hold %d to %d",
			ErrBadSecret, len(key), minSecretBytes, maxSecretBytes)
	}
	return WebhookKey{key}, nil
}

// GenerateWebhookKey makes a new key of 32 bytes from random, which should be
// [crypto/rand.Reader]. It fails only if random does.
func GenerateWebhookKey(random io.Reader) (WebhookKey, error) {
	secret := make([]byte, generatedSecretBytes)
	if _, err := io.ReadFull(random, secret); err != nil {
		return WebhookKey{}, fmt.Errorf("making a webhook secret: %w", err)
	}
	return WebhookKey{secret}, nil
}

// Secret returns the text that [ParseWebhookSecret] reads. It is for the code that is
// to verify, and for storage, never for a log.
func (k WebhookKey) Secret() string {
	return secretPrefix + base64.StdEncoding.EncodeToString(k.secret)
}

// Sign returns one signature for [HeaderWebhookSignature], such as "v1,g0h...",
// over "id.timestamp.body". The time counts to the second. id must hold no dot,
// or the signed text could be read in two ways.
func (k WebhookKey) Sign(id string, at time.Time, body []byte) string {
	mac := k.mac(id, strconv.FormatInt(at.Unix(), 10), body)
	return signatureText(symmetricVersion, mac)
}

// Verify reports whether one of the signatures in header, which are separated
// by spaces, is this key's for the id and timestamp as they were received.
// Signatures of other versions are passed over. Comparisons take constant time.
// It does not look at the clock: whether the timestamp is recent is the
// caller's to check.
func (k WebhookKey) Verify(id, timestamp string, body []byte, header string) bool {
	if len(k.secret) < minSecretBytes || !canBeSigned(id, timestamp) {
		return false
	}
	want := k.mac(id, timestamp, body)
	for given := range signaturesOf(symmetricVersion, header) {
		if hmac.Equal(given, want) {
			return true
		}
	}
	return false
}

// String returns a placeholder.
func (k WebhookKey) String() string { return redactedSecretKey }

// GoString returns a placeholder.
func (k WebhookKey) GoString() string { return redactedSecretKey }

// LogValue returns a placeholder.
func (k WebhookKey) LogValue() slog.Value { return slog.StringValue(redactedSecretKey) }

func (k WebhookKey) mac(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(signedPrefix(id, timestamp))
	mac.Write(body)
	return mac.Sum(nil)
}
