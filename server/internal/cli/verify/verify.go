package verify

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// Config is a webhook and what to verify it with. At least one of APIKeys,
// Secrets and PublicKeys must be set.
type Config struct {
	// Header and Body are those of the request, the body byte for byte.
	Header http.Header
	Body   []byte
	// APIKeys are secret API keys, Secrets are in the form "whsec_..." and
	// PublicKeys in the form "whpk_...".
	APIKeys, Secrets, PublicKeys []string
	// Tolerance is how far the timestamp may be from At; zero means 5 minutes.
	Tolerance time.Duration
	// AllowLegacy believes X-Trigger-Signature-256 alone; see [receiver.Config].
	AllowLegacy bool
	// At is when the webhook was received.
	At time.Time
}

// Outcome is the result of a check.
type Outcome string

// The outcomes of a check. One that is skipped could not be made, or need not be.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Check is one thing that a receiver looks at.
type Check struct {
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	// Detail is for people: what was found.
	Detail string `json:"detail"`
}

// Report is what came of all checks.
type Report struct {
	// Believed is whether a receiver with these keys accepts the webhook.
	Believed bool `json:"believed"`
	// Reason is why it does not; empty if it does.
	Reason string  `json:"reason,omitempty"`
	Checks []Check `json:"checks"`
}

// Webhook makes every check. Its error says what is wrong with config; it wraps
// protocol.ErrBadSecret or protocol.ErrBadKey if a secret or a public key is.
func Webhook(config Config) (Report, error) {
	keys, err := keysOf(config)
	if err != nil {
		return Report{}, err
	}
	verifier, err := receiver.NewVerifier(receiver.Config{
		PreviousAPIKeys: config.APIKeys, Secrets: config.Secrets, PublicKeys: config.PublicKeys,
		AllowLegacy: config.AllowLegacy && len(config.APIKeys) > 0,
		Tolerance:   config.Tolerance, Now: func() time.Time { return config.At },
	})
	if err != nil {
		return Report{}, err
	}
	if config.Tolerance == 0 {
		config.Tolerance = 5 * time.Minute
	}
	report := Report{Believed: true, Checks: []Check{
		config.checkHeaders(), config.checkTimestamp(), config.checkWebhook(keys), config.checkBody(keys),
	}}
	if _, err := verifier.Verify(config.Header, config.Body); err != nil {
		report.Believed, report.Reason = false, err.Error()
	}
	return report, nil
}

// standardHeaders are the headers of Standard Webhooks: all or none.
var standardHeaders = []string{protocol.HeaderWebhookID, protocol.HeaderWebhookTimestamp, protocol.HeaderWebhookSignature}

func (c Config) checkHeaders() Check {
	check := Check{Name: "headers", Outcome: Failed}
	var missing []string
	for _, name := range standardHeaders {
		if c.Header.Get(name) == "" {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) == 0:
		check.Outcome, check.Detail = Passed, "ID "+c.Header.Get(protocol.HeaderWebhookID)
		if attempt := c.Header.Get(protocol.HeaderWebhookAttempt); attempt != "" {
			check.Detail += ", attempt " + attempt
		}
	case len(missing) < len(standardHeaders):
		check.Detail = fmt.Sprintf("incomplete: %s is missing", join(missing))
	case c.Header.Get(protocol.HeaderSignature) != "":
		check.Outcome, check.Detail = Passed, "only "+protocol.HeaderSignature+", which covers neither an ID nor the time"
	default:
		check.Detail = fmt.Sprintf("no signature: neither %s nor %s is there", protocol.HeaderWebhookSignature, protocol.HeaderSignature)
	}
	return check
}

func (c Config) checkTimestamp() Check {
	check := Check{Name: "timestamp", Outcome: Failed}
	text := c.Header.Get(protocol.HeaderWebhookTimestamp)
	if text == "" {
		return Check{check.Name, Skipped, "there is none"}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		check.Detail = fmt.Sprintf("%q is not a number of seconds since 1970", text)
		return check
	}
	at := time.Unix(seconds, 0)
	away, direction := c.At.Sub(at), "before"
	if away < 0 {
		away, direction = -away, "after"
	}
	check.Detail = fmt.Sprintf("%s, %s %s %s", at.UTC().Format(time.RFC3339), away.Round(time.Second), direction, c.At.UTC().Format(time.RFC3339))
	if away > c.Tolerance {
		check.Detail += fmt.Sprintf("; at most %s is accepted", c.Tolerance)
		return check
	}
	check.Outcome = Passed
	return check
}
