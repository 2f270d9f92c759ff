package subscriptions

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/outbox"
)

// newSecret returns a random secret, symmetric or a private key.
func newSecret(asymmetric bool) (string, error) {
	if asymmetric {
		key, err := protocol.GenerateAsymmetricKey(rand.Reader)
		if err != nil {
			return "", fmt.Errorf("make a signing key: %w", err)
		}
		return key.Secret(), nil
	}
	const bytesOfSecret = 32
	key := make([]byte, bytesOfSecret)
	rand.Read(key) // never fails (crypto/rand)
	return "whsec_" + base64.StdEncoding.EncodeToString(key), nil
}

// PublicKey returns the key that verifies what a secret signs; ok is false for a
// symmetric one, which has none.
func PublicKey(secret string) (text string, ok bool) {
	if !strings.HasPrefix(secret, outbox.PrefixPrivate) {
		return "", false
	}
	key, err := protocol.ParseAsymmetricKey(secret)
	if err != nil {
		return "", false
	}
	return key.Public().String(), true
}
