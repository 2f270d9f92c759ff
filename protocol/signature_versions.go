package protocol

import (
	"encoding/base64"
	"iter"
	"strconv"
	"strings"
	"time"
)

// The names of signatures in [HeaderWebhookSignature].
const (
	symmetricVersion  = "v1"
	asymmetricVersion = "v1a"
)

// mostSignatures is how many signatures of one version a header is searched for,
// so that a hostile one costs little. Senders put in one for each key in use.
const mostSignatures = 32

// WebhookSigner makes one signature for [HeaderWebhookSignature]: a [WebhookKey]
// or an [AsymmetricKey].
type WebhookSigner interface {
	// Sign signs "id.timestamp.body". The time counts to the second. id must hold
	// no dot, or the signed text could be read in two ways.
	Sign(id string, at time.Time, body []byte) string
}

// SignWebhook returns the value of [HeaderWebhookSignature]: the signature of
// each key, separated by spaces. More than one key signs while secrets are
// being exchanged, or where some receivers verify with a public key.
func SignWebhook(id string, at time.Time, body []byte, keys ...WebhookSigner) string {
	signatures := make([]string, len(keys))
	for i, key := range keys {
		signatures[i] = key.Sign(id, at, body)
	}
	return strings.Join(signatures, " ")
}

// SignatureVersions returns the versions of the signatures in a header as it was
// received, in their order and without repeats. "v1" is made by a shared secret
// and "v1a" by an asymmetric key; there may be others.
func SignatureVersions(header string) []string {
	var versions []string
	known := map[string]bool{}
	for signature := range strings.FieldsSeq(header) {
		version, _, ok := strings.Cut(signature, ",")
		if ok && version != "" && !known[version] {
			known[version] = true
			versions = append(versions, version)
		}
	}
	return versions
}

// signaturesOf yields the decoded signatures of one version in a header. Those
// that are not base64 are passed over.
func signaturesOf(version, header string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		left := mostSignatures
		for signature := range strings.FieldsSeq(header) {
			found, encoded, ok := strings.Cut(signature, ",")
			if !ok || found != version {
				continue
			}
			if left--; left < 0 {
				return
			}
			decoded, err := base64.StdEncoding.DecodeString(encoded)
			if err == nil && !yield(decoded) {
				return
			}
		}
	}
}

func signatureText(version string, signature []byte) string {
	return version + "," + base64.StdEncoding.EncodeToString(signature)
}

// canBeSigned reports whether an id and a timestamp, as they were received, can
// be part of a signed text that is read in only one way.
func canBeSigned(id, timestamp string) bool {
	_, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && id != "" && !strings.Contains(id, ".")
}

// signedPrefix is what a signature covers before the body.
func signedPrefix(id, timestamp string) []byte {
	return []byte(id + "." + timestamp + ".")
}
