package protocol

import (
	"crypto/ed25519"
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
	privatePrefix      = "whsk_"
	publicPrefix       = "whpk_"
	redactedPrivateKey = privatePrefix + "[hidden]"
)

// ErrBadKey is wrapped by the errors of [ParseAsymmetricKey] and
// [ParsePublicKey].
var ErrBadKey = errors.New("not a webhook key")

// AsymmetricKey signs as the Standard Webhooks specification says (version v1a,
// ed25519), so that receivers need no secret: they verify with its [PublicKey].
// The zero value signs nothing. It prints as a placeholder, so that it can not
// end up in a log. It is safe for concurrent use.
type AsymmetricKey struct{ private ed25519.PrivateKey }

// PublicKey verifies what an [AsymmetricKey] signed. The zero value verifies
// nothing. It is no secret, and is safe for concurrent use.
type PublicKey struct{ public ed25519.PublicKey }

var (
	_ WebhookSigner = WebhookKey{}
	_ WebhookSigner = AsymmetricKey{}
)

// GenerateAsymmetricKey makes a new key from random, which should be
// [crypto/rand.Reader]. It fails only if random does.
func GenerateAsymmetricKey(random io.Reader) (AsymmetricKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return AsymmetricKey{}, fmt.Errorf("making an asymmetric webhook key: %w", err)
	}
	return AsymmetricKey{ed25519.NewKeyFromSeed(seed)}, nil
}

// ParseAsymmetricKey reads a private key in the form "whsk_" and base64, either
// of the 32 bytes of its seed or of these and the 32 of its public key. Errors
// wrap [ErrBadKey] and never quote the key.
func ParseAsymmetricKey(text string) (AsymmetricKey, error) {
	bytes, err := parseKey(text, privatePrefix)
	if err != nil {
		return AsymmetricKey{}, err
	}
	if len(bytes) != ed25519.SeedSize && len(bytes) != ed25519.PrivateKeySize {
		return AsymmetricKey{}, fmt.Errorf("%w: it holds %d bytes, and must hold %d or %d",
			ErrBadKey, len(bytes), ed25519.SeedSize, ed25519.PrivateKeySize)
	}
	private := ed25519.NewKeyFromSeed(bytes[:ed25519.SeedSize])
	if len(bytes) == ed25519.PrivateKeySize && !private.Equal(ed25519.PrivateKey(bytes)) {
		return AsymmetricKey{}, fmt.Errorf("%w: its public half is not that of its private half", ErrBadKey)
	}
	return AsymmetricKey{private}, nil
}

// ParsePublicKey reads a public key in the form "whpk_" and base64 of 32 bytes.
// Errors wrap [ErrBadKey].
func ParsePublicKey(text string) (PublicKey, error) {
	bytes, err := parseKey(text, publicPrefix)
	if err != nil {
		return PublicKey{}, err
	}
	if len(bytes) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("%w: it holds %d bytes, and must hold %d", ErrBadKey, len(bytes), ed25519.PublicKeySize)
	}
	return PublicKey{bytes}, nil
}

func parseKey(text, prefix string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return nil, fmt.Errorf("%w: it must begin with %s", ErrBadKey, prefix)
	}
	bytes, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: what follows %s must be base64", ErrBadKey, prefix)
	}
	return bytes, nil
}

// Secret returns the text that [ParseAsymmetricKey] reads, of 64 bytes. It is
// for storage, never for a log or a receiver.
func (k AsymmetricKey) Secret() string {
	return privatePrefix + base64.StdEncoding.EncodeToString(k.private)
}

// Public returns the key that verifies.
func (k AsymmetricKey) Public() PublicKey {
	if len(k.private) != ed25519.PrivateKeySize {
		return PublicKey{}
	}
	return PublicKey{k.private.Public().(ed25519.PublicKey)}
}

// Sign returns one signature for [HeaderWebhookSignature], such as "v1a,hnO3...",
// over "id.timestamp.body". The time counts to the second. id must hold no dot,
// or the signed text could be read in two ways. The zero key returns an empty
// text.
func (k AsymmetricKey) Sign(id string, at time.Time, body []byte) string {
	if len(k.private) != ed25519.PrivateKeySize {
		return ""
	}
	message := append(signedPrefix(id, strconv.FormatInt(at.Unix(), 10)), body...)
	return signatureText(asymmetricVersion, ed25519.Sign(k.private, message))
}

// Verify reports whether one of the signatures in header, which are separated
// by spaces, was made by this key's private half for the id and timestamp as
// they were received. Signatures of other versions are passed over. It does not
// look at the clock: whether the timestamp is recent is the caller's to check.
func (k PublicKey) Verify(id, timestamp string, body []byte, header string) bool {
	if len(k.public) != ed25519.PublicKeySize || !canBeSigned(id, timestamp) {
		return false
	}
	message := append(signedPrefix(id, timestamp), body...)
	for signature := range signaturesOf(asymmetricVersion, header) {
		if ed25519.Verify(k.public, message, signature) {
			return true
		}
	}
	return false
}

// String returns the text that [ParsePublicKey] reads.
func (k PublicKey) String() string {
	return publicPrefix + base64.StdEncoding.EncodeToString(k.public)
}

// String returns a placeholder.
func (k AsymmetricKey) String() string { return redactedPrivateKey }

// GoString returns a placeholder.
func (k AsymmetricKey) GoString() string { return redactedPrivateKey }

// LogValue returns a placeholder.
func (k AsymmetricKey) LogValue() slog.Value { return slog.StringValue(redactedPrivateKey) }
