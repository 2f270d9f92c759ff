package receiver_test

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// signedBy returns headers with the signature of each key over a body.
func signedBy(body []byte, keys ...protocol.WebhookSigner) http.Header {
	return http.Header{
		protocol.HeaderWebhookID:        {"ntf_1"},
		protocol.HeaderWebhookTimestamp: {strconv.FormatInt(now.Unix(), 10)},
		protocol.HeaderWebhookSignature: {protocol.SignWebhook("ntf_1", now, body, keys...)},
	}
}

// asymmetric returns a key that is always the same for one number.
func asymmetric(t *testing.T, number byte) protocol.AsymmetricKey {
	t.Helper()
	key, err := protocol.GenerateAsymmetricKey(bytes.NewReader(bytes.Repeat([]byte{number}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeysCanBeExchangedWithoutAGap(t *testing.T) {
	t.Parallel()
	text := body()
	oldSecret, newSecret := protocol.DerivedWebhookKey("old"), protocol.DerivedWebhookKey("new")
	oldKey, newKey := asymmetric(t, 1), asymmetric(t, 2)
	secrets := func(keys ...protocol.WebhookKey) (c receiver.Config) {
		for _, key := range keys {
			c.Secrets = append(c.Secrets, key.Secret())
		}
		return c
	}
	public := func(keys ...protocol.AsymmetricKey) (c receiver.Config) {
		for _, key := range keys {
			c.PublicKeys = append(c.PublicKeys, key.Public().String())
		}
		return c
	}
	mixed := receiver.Config{Secrets: secrets(oldSecret).Secrets, PublicKeys: public(oldKey).PublicKeys}
	for _, c := range []struct {
		name    string
		signers []protocol.WebhookSigner
		config  receiver.Config
		want    error
		problem string
	}{
		{"the old secret, while the sender signs with both", []protocol.WebhookSigner{newSecret, oldSecret}, secrets(oldSecret), nil, ""},
		{"the new secret, while the sender signs with both", []protocol.WebhookSigner{newSecret, oldSecret}, secrets(newSecret), nil, ""},
		{"both secrets, while the sender signs with the old one", []protocol.WebhookSigner{oldSecret}, secrets(newSecret, oldSecret), nil, ""},
		{"the old secret, once the sender has dropped it", []protocol.WebhookSigner{newSecret}, secrets(oldSecret), receiver.ErrWrongSignature, "no key of this receiver"},
		{"the old public key, while the sender signs with both", []protocol.WebhookSigner{newKey, oldKey}, public(oldKey), nil, ""},
		{"both public keys, while the sender signs with the old one", []protocol.WebhookSigner{oldKey}, public(newKey, oldKey), nil, ""},
		{"the old public key, once the sender has dropped it", []protocol.WebhookSigner{newKey}, public(oldKey), receiver.ErrWrongSignature, "no key of this receiver"},
		{"a public key, where the sender signs in both ways", []protocol.WebhookSigner{oldSecret, oldKey}, public(oldKey), nil, ""},
		{"a secret, where the sender signs in both ways", []protocol.WebhookSigner{oldKey, oldSecret}, secrets(oldSecret), nil, ""},
		{"a secret and a public key, where the sender signs with the key", []protocol.WebhookSigner{oldKey}, mixed, nil, ""},
		{"a secret and a public key, where the sender signs with the secret", []protocol.WebhookSigner{oldSecret}, mixed, nil, ""},
		{"a secret, where the sender signs with a key only", []protocol.WebhookSigner{oldKey}, secrets(oldSecret), receiver.ErrUnsigned, "holds only v1a, and this receiver verifies v1 (it has secrets, and no public key)"},
		{"a public key, where the sender signs with a secret only", []protocol.WebhookSigner{oldSecret}, public(oldKey), receiver.ErrUnsigned, "holds only v1, and this receiver verifies v1a (it has public keys, and no secret)"},
		{"a signer of another version", []protocol.WebhookSigner{version("v2")}, mixed, receiver.ErrUnsigned, "holds only v2, and this receiver verifies v1 and v1a"},
		{"a signer that writes something else", []protocol.WebhookSigner{version("")}, mixed, receiver.ErrMalformed, "signatures such as v1,base64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.config.Now = func() time.Time { return now }
			err := receiver.Verify(signedBy(text, c.signers...), text, c.config)
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got error %v, want %v about %q", err, c.want, c.problem)
			}
		})
	}
}

// version signs as no sender does yet, or, if empty, in a form that is none.
type version string

func (v version) Sign(string, time.Time, []byte) string {
	if v == "" {
		return "signature"
	}
	return string(v) + ",AAAA"
}

func TestAReceiverWithAPublicKeyAloneHandlesNotifications(t *testing.T) {
	t.Parallel()
	key := asymmetric(t, 1)
	f := setup(t, receiver.Config{PublicKeys: []string{key.Public().String()}}, nil)
	r := post(body())
	r.Header = signedBy(body(), key)
	if w := f.send(r); w.Code != http.StatusOK || len(f.calls) != 1 {
		t.Errorf("got %d %s and %d calls", w.Code, w.Body, len(f.calls))
	}
	if w := f.send(signedByBodyOnly(body())); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "knows no API key") {
		t.Errorf("the signature of the body alone: got %d %s", w.Code, w.Body)
	}
}
