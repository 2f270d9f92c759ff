package protocol_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

func TestTheBodySignatureIsTheProtocols(t *testing.T) {
	t.Parallel()
	const key, signature = "tr_dev_abc123", "968abbda43ee5ff42957871b860f1c0843f2ac97f7b59cd5fd34bada56d285c2"
	body := []byte(`{"id":"run_1","ok":true}`)
	if got := protocol.SignBody(key, body); got != signature {
		t.Errorf("got %s, want %s", got, signature)
	}
	for _, c := range []struct {
		name, key, body, signature string
		want                       bool
	}{
		{"bare", key, string(body), signature, true},
		{"with the prefix that samples use", key, string(body), "sha256=" + signature, true},
		{"in upper case", key, string(body), strings.ToUpper(signature), true},
		{"of another body", key, string(body) + " ", signature, false},
		{"by another key", key + "4", string(body), signature, false},
		{"cut short", key, string(body), signature[:62], false},
		{"of odd length", key, string(body), signature[:63], false},
		{"missing", key, string(body), "", false},
		{"by the empty key", "", string(body), protocol.SignBody("", body), false},
	} {
		if got := protocol.VerifyBody(c.key, []byte(c.body), c.signature); got != c.want {
			t.Errorf("a signature %s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// The published example of the Standard Webhooks specification.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleTimestamp = "1614265330"
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestTheWebhookSignatureIsTheStandards(t *testing.T) {
	t.Parallel()
	key := parseSecret(t, exampleSecret)
	if got := key.Sign(exampleID, time.Unix(1614265330, 999), []byte(exampleBody)); got != exampleSignature {
		t.Errorf("got %s, want %s", got, exampleSignature)
	}
	other := parseSecret(t, protocol.WebhookSecret("tr_prod_other"))
	both := protocol.SignWebhook(exampleID, time.Unix(1614265330, 0), []byte(exampleBody), other, key)
	for _, c := range []struct {
		name, id, timestamp, body, header string
		want                              bool
	}{
		{"alone", exampleID, exampleTimestamp, exampleBody, exampleSignature, true},
		{"second of two", exampleID, exampleTimestamp, exampleBody, both, true},
		{"after versions that are unknown", exampleID, exampleTimestamp, exampleBody, "v1a,AAAA v2,x  " + exampleSignature, true},
		{"with another version's name", exampleID, exampleTimestamp, exampleBody, "v2" + exampleSignature[2:], false},
		{"of another id", exampleID + "x", exampleTimestamp, exampleBody, exampleSignature, false},
		{"of another time", exampleID, "1614265331", exampleBody, exampleSignature, false},
		{"of another body", exampleID, exampleTimestamp, exampleBody + " ", exampleSignature, false},
		{"whose dots were moved", exampleID + "." + exampleTimestamp, exampleTimestamp, exampleBody, exampleSignature, false},
		{"of a time that is no number", exampleID, "now", exampleBody, key.Sign(exampleID, time.Now(), nil), false},
		{"that is not base64", exampleID, exampleTimestamp, exampleBody, "v1,***", false},
		{"that is missing", exampleID, exampleTimestamp, exampleBody, "", false},
		{"without an id", "", exampleTimestamp, exampleBody, key.Sign("", time.Unix(1614265330, 0), []byte(exampleBody)), false},
	} {
		if got := key.Verify(c.id, c.timestamp, []byte(c.body), c.header); got != c.want {
			t.Errorf("a signature %s: got %v, want %v", c.name, got, c.want)
		}
	}
	var zero protocol.WebhookKey
	if zero.Verify(exampleID, exampleTimestamp, nil, zero.Sign(exampleID, time.Unix(1614265330, 0), nil)) {
		t.Error("the zero key verified its own signature")
	}
}

func TestSecretsAreReadStrictly(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n))) }
	for _, c := range []struct {
		name, secret string
		ok           bool
	}{
		{"24 bytes", "whsec_" + encode(24), true},
		{"64 bytes", "whsec_" + encode(64), true},
		{"derived from an API key", protocol.WebhookSecret("tr_dev_abc123"), true},
		{"empty", "", false},
		{"only the prefix", "whsec_", false},
		{"23 bytes", "whsec_" + encode(23), false},
		{"65 bytes", "whsec_" + encode(65), false},
		{"no prefix", encode(32), false},
		{"another prefix", "whsk_" + encode(32), false},
		{"not base64", "whsec_" + strings.Repeat("-", 44), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := protocol.ParseWebhookSecret(c.secret)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, protocol.ErrBadSecret) {
				t.Errorf("got error %v", err)
			}
			if encoded := strings.TrimPrefix(c.secret, "whsec_"); err != nil && encoded != "" && strings.Contains(err.Error(), encoded) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestTheDerivedSecretNeverChanges(t *testing.T) {
	t.Parallel()
	// Receivers may have stored it, so this value is part of the contract.
	const want = "whsec_S/n472DnH+GNHMEpNo3ZjrW2mb49SYqRAW+MjR8uK5A="
	if got := protocol.WebhookSecret("tr_dev_abc123"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	key := parseSecret(t, want)
	signature := protocol.DerivedWebhookKey("tr_dev_abc123").Sign("a", time.Unix(1, 0), nil)
	if !key.Verify("a", "1", nil, signature) {
		t.Error("the derived key and the derived secret differ")
	}
}

func TestAKeyDoesNotPrintItsSecret(t *testing.T) {
	t.Parallel()
	key := parseSecret(t, exampleSecret)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", key)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), log.String()} {
		if strings.Contains(text, "MfKQ") || strings.Contains(text, "49 242") || !strings.Contains(text, "hidden") {
			t.Errorf("got %s", text)
		}
	}
}

func parseSecret(t *testing.T, secret string) protocol.WebhookKey {
	t.Helper()
	key, err := protocol.ParseWebhookSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
