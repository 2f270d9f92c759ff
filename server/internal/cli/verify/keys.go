package verify

import (
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// key is one thing that signatures are verified with.
type key struct {
	// name identifies the key without showing it.
	name    string
	webhook func(id, timestamp string, body []byte, header string) bool
	// body is nil for keys that do not sign bodies alone.
	body func(body []byte, signature string) bool
}

// keysOf reads the keys of config. Its errors wrap protocol.ErrBadSecret or
// protocol.ErrBadKey.
func keysOf(config Config) ([]key, error) {
	var keys []key
	for i, text := range config.APIKeys {
		keys = append(keys, key{numbered("API key", i, config.APIKeys), protocol.DerivedWebhookKey(text).Verify,
			func(body []byte, signature string) bool { return protocol.VerifyBody(text, body, signature) }})
	}
	for i, text := range config.Secrets {
		secret, err := protocol.ParseWebhookSecret(text)
		if err != nil {
			return nil, fmt.Errorf("%s is %w", numbered("secret", i, config.Secrets), err)
		}
		keys = append(keys, key{name: numbered("secret", i, config.Secrets), webhook: secret.Verify})
	}
	for i, text := range config.PublicKeys {
		public, err := protocol.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s is %w", numbered("public key", i, config.PublicKeys), err)
		}
		keys = append(keys, key{name: numbered("public key", i, config.PublicKeys), webhook: public.Verify})
	}
	return keys, nil
}

func numbered(kind string, i int, of []string) string {
	if len(of) == 1 {
		return "the " + kind
	}
	return fmt.Sprintf("%s %d of %d", kind, i+1, len(of))
}
