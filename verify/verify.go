package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// A Request is one that someone made to an HTTP endpoint.
type Request struct {
	Method, URL string
	Header      http.Header
	// Body is as it was received.
	Body []byte
	// Received is when the server received the request.
	Received time.Time
}

// A Verifier returns nil if a request may be believed, else why not. It may be
// called at once by many goroutines.
type Verifier func(request *Request) error

// The ways in which a request can fail. The errors of this package's verifiers wrap
// one of them.
var (
	// ErrUnsigned means that a header which the service always sends is missing.
	ErrUnsigned = errors.New("the request is not signed")
	// ErrMalformed means that such a header cannot be read.
	ErrMalformed = errors.New("the signature cannot be read")
	// ErrStale means that the signed time is too far from when it was received.
	ErrStale = errors.New("the signed time is too far from when the request came")
	// ErrWrongSignature means that the signature is not that of this body.
	ErrWrongSignature = errors.New("the signature is wrong")
	// ErrNoSecret means that the verifier was made with an empty or a malformed
	// secret.
	ErrNoSecret = errors.New("the verifier has no usable secret")
)

// Nothing is a verifier that believes every request: for endpoints that may be
// called by anyone.
func Nothing(*Request) error { return nil }

// tolerance is how far the signed time may be from the time of receipt.
const tolerance = 5 * time.Minute

// signedHeader returns a header without which there is no signature.
func signedHeader(request *Request, name string) (string, error) {
	value := request.Header.Get(name)
	if value == "" {
		return "", fmt.Errorf("%w: it has no header %s", ErrUnsigned, name)
	}
	return value, nil
}

// checkTime refuses a time, in seconds since 1970, that is too far from the time of
// receipt.
func checkTime(request *Request, seconds string) error {
	number, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: its time is no number", ErrMalformed)
	}
	if distance := request.Received.Sub(time.Unix(number, 0)); distance.Abs() > tolerance {
		return fmt.Errorf("%w: by %s", ErrStale, distance.Abs().Round(time.Second))
	}
	return nil
}

// GitHub verifies the webhooks of GitHub, which sign in X-Hub-Signature-256. They
// have no time.
func GitHub(secret string) Verifier {
	return HMAC{Secret: secret, Header: "X-Hub-Signature-256", Prefix: "sha256="}.Verify
}

// Slack verifies what Slack sends, with the signing secret of the app.
func Slack(signingSecret string) Verifier {
	return func(request *Request) error {
		seconds, err := signedHeader(request, "X-Slack-Request-Timestamp")
		if err != nil {
			return err
		}
		if err := checkTime(request, seconds); err != nil {
			return err
		}
		signature, err := signedHeader(request, "X-Slack-Signature")
		if err != nil {
			return err
		}
		signature, ok := strings.CutPrefix(signature, "v0=")
		if !ok {
			return fmt.Errorf("%w: it is of a version that is not known", ErrMalformed)
		}
		return compare(signingSecret, []string{signature}, "v0:"+seconds+":", request.Body)
	}
}

// Stripe verifies the webhooks of Stripe, with the secret of the endpoint, which
// begins with whsec_.
func Stripe(secret string) Verifier {
	return func(request *Request) error {
		header, err := signedHeader(request, "Stripe-Signature")
		if err != nil {
			return err
		}
		var seconds string
		var signatures []string
		for part := range strings.SplitSeq(header, ",") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
			case "t":
				seconds = value
			case "v1":
				signatures = append(signatures, value)
			}
		}
		if err := checkTime(request, seconds); err != nil {
			return err
		}
		return compare(secret, signatures, seconds+".", request.Body)
	}
}

// StandardWebhooks verifies webhooks that follow the Standard Webhooks
// specification, with a secret of the form whsec_ and base64. So are signed, for
// example, those of Svix, Clerk, OpenAI and Runhook itself.
func StandardWebhooks(secret string) Verifier {
	key, problem := protocol.ParseWebhookSecret(secret)
	return func(request *Request) error {
		if problem != nil {
			return fmt.Errorf("%w: %w", ErrNoSecret, problem)
		}
		var values [3]string
		for i, name := range []string{protocol.HeaderWebhookID, protocol.HeaderWebhookTimestamp, protocol.HeaderWebhookSignature} {
			var err error
			if values[i], err = signedHeader(request, name); err != nil {
				return err
			}
		}
		if err := checkTime(request, values[1]); err != nil {
			return err
		}
		if !key.Verify(values[0], values[1], request.Body, values[2]) {
			return ErrWrongSignature
		}
		return nil
	}
}

// compare accepts a hex HMAC-SHA256 of prefix and body among the signatures.
func compare(secret string, signatures []string, prefix string, body []byte) error {
	if secret == "" {
		return ErrNoSecret
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(prefix))
	mac.Write(body)
	want := mac.Sum(nil)
	for _, signature := range signatures {
		if given, err := Hex.decode(signature); err == nil && hmac.Equal(given, want) {
			return nil
		}
	}
	return ErrWrongSignature
}
