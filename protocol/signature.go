package protocol

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Header names of a completion webhook. Every delivery carries an ID, a timestamp
// and a signature over both and the body.
const (
	// HeaderSignature is the signature of the body alone: see [SignBody]. Deliveries
	// to a callback URL carry it, those to a subscription only on request.
	HeaderSignature = "X-Trigger-Signature-256"
	// HeaderWebhookID identifies a notification: the same on every attempt to
	// deliver it and on every resend.
	HeaderWebhookID = "Webhook-Id"
	// HeaderWebhookTimestamp is when the attempt was made, in seconds since 1970.
	HeaderWebhookTimestamp = "Webhook-Timestamp"
	// HeaderWebhookSignature holds signatures of the id, the timestamp and the
	// body, separated by spaces: see [WebhookKey.Sign].
	HeaderWebhookSignature = "Webhook-Signature"
	// HeaderWebhookAttempt counts the attempts to deliver a notification from 1.
	// It is optional and not signed: good for logs, not for decisions.
	HeaderWebhookAttempt = "Webhook-Attempt"
)

// SignBody returns the value of [HeaderSignature]: the HMAC-SHA256 of body,
// keyed by an environment's secret API key, in bare lower-case hexadecimal.
// apiKey must not be empty.
func SignBody(apiKey string, body []byte) string {
	return hex.EncodeToString(bodyMAC(apiKey, body))
}

// VerifyBody reports whether signature is what [SignBody] makes of the same
// arguments. A prefix "sha256=" is allowed. It takes the same time whatever is
// wrong with the signature's digits, and never accepts an empty apiKey.
func VerifyBody(apiKey string, body []byte, signature string) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	return err == nil && apiKey != "" && hmac.Equal(given, bodyMAC(apiKey, body))
}

func bodyMAC(apiKey string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(apiKey))
	mac.Write(body)
	return mac.Sum(nil)
}
