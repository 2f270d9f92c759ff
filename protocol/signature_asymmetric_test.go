package protocol_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/runhook/runhook/protocol"
)

// The published asymmetric example of the Standard Webhooks reference sender. It
// has the id, timestamp and body of the symmetric one.
const (
	exampleSeed       = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
	examplePrivate    = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	examplePublic     = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	exampleAsymmetric = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)

var exampleTime = time.Unix(1614265330, 0)

func TestTheAsymmetricSignatureIsTheStandards(t *testing.T) {
	t.Parallel()
	key := parseAsymmetric(t, examplePrivate)
	if got := key.Sign(exampleID, exampleTime, []byte(exampleBody)); got != exampleAsymmetric {
		t.Errorf("it signs %s, want %s", got, exampleAsymmetric)
	}
	if got := parseAsymmetric(t, "whsk_"+exampleSeed); got.Secret() != examplePrivate || got.Public().String() != examplePublic {
		t.Errorf("the seed is read as %s with %s", got.Secret(), got.Public())
	}
	public := parsePublic(t, examplePublic)
	other, err := protocol.GenerateAsymmetricKey(bytes.NewReader(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	both := protocol.SignWebhook(exampleID, exampleTime, []byte(exampleBody), parseSecret(t, exampleSecret), other, key)
	flood := strings.Repeat("v1a,"+strings.Repeat("A", 86)+"== ", 40)
	for _, c := range []struct {
		name, id, timestamp, body, header string
		want                              bool
	}{
		{"alone", exampleID, exampleTimestamp, exampleBody, exampleAsymmetric, true},
		{"after one of a secret and one of another key", exampleID, exampleTimestamp, exampleBody, both, true},
		{"after one that is not base64", exampleID, exampleTimestamp, exampleBody, "v1a,*** " + exampleAsymmetric, true},
		{"after one that is too short", exampleID, exampleTimestamp, exampleBody, "v1a,AAAA " + exampleAsymmetric, true},
		{"after more than any sender has keys", exampleID, exampleTimestamp, exampleBody, flood + exampleAsymmetric, false},
		{"under the name of the other kind", exampleID, exampleTimestamp, exampleBody, "v1," + exampleAsymmetric[4:], false},
		{"by another key", exampleID, exampleTimestamp, exampleBody, other.Sign(exampleID, exampleTime, []byte(exampleBody)), false},
		{"by a secret", exampleID, exampleTimestamp, exampleBody, exampleSignature, false},
		{"of another id", exampleID + "x", exampleTimestamp, exampleBody, exampleAsymmetric, false},
		{"of another time", exampleID, "1614265331", exampleBody, exampleAsymmetric, false},
		{"of another body", exampleID, exampleTimestamp, exampleBody + " ", exampleAsymmetric, false},
		{"whose dots were moved", exampleID + "." + exampleTimestamp, exampleTimestamp, exampleBody, exampleAsymmetric, false},
		{"of a time that is no number", exampleID, "now", exampleBody, exampleAsymmetric, false},
		{"without an id", "", exampleTimestamp, exampleBody, key.Sign("", exampleTime, []byte(exampleBody)), false},
		{"that is missing", exampleID, exampleTimestamp, exampleBody, "", false},
	} {
		if got := public.Verify(c.id, c.timestamp, []byte(c.body), c.header); got != c.want {
			t.Errorf("a signature %s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestTheZeroKeysSignAndVerifyNothing(t *testing.T) {
	t.Parallel()
	var private protocol.AsymmetricKey
	var public protocol.PublicKey
	if got := private.Sign(exampleID, exampleTime, nil); got != "" {
		t.Errorf("the zero key signs %s", got)
	}
	if public.Verify(exampleID, exampleTimestamp, []byte(exampleBody), exampleAsymmetric) || private.Public().Verify(exampleID, exampleTimestamp, nil, "v1a,") {
		t.Error("a zero public key verified something")
	}
}

func TestAsymmetricKeysAreReadStrictly(t *testing.T) {
	t.Parallel()
	encoded := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), n)) }
	private := func(text string) error { _, err := protocol.ParseAsymmetricKey(text); return err }
	public := func(text string) error { _, err := protocol.ParsePublicKey(text); return err }
	for _, c := range []struct {
		name, text, problem string
		parse               func(string) error
	}{
		{"a private key", examplePrivate, "", private},
		{"a seed", "whsk_" + exampleSeed, "", private},
		{"a private key with the public half of another", "whsk_" + encoded(64), "public half", private},
		{"a private key that is too short", "whsk_" + encoded(31), "31 bytes", private},
		{"an empty private key", "whsk_", "0 bytes", private},
		{"a public key for a private one", examplePublic, "begin with whsk_", private},
		{"a private key that is not base64", "whsk_" + strings.Repeat("-", 44), "base64", private},
		{"a public key", examplePublic, "", public},
		{"a private key for a public one", examplePrivate, "begin with whpk_", public},
		{"a public key that is too long", "whpk_" + encoded(33), "33 bytes", public},
		{"a public key that is not base64", "whpk_***", "base64", public},
		{"nothing", "", "begin with whpk_", public},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.parse(c.text)
			if c.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, protocol.ErrBadKey) || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got error %v, want one about %q", err, c.problem)
			}
			if err != nil && len(c.text) > 10 && strings.Contains(err.Error(), c.text[5:]) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}

func TestGeneratedKeysVerifyWhatTheySign(t *testing.T) {
	t.Parallel()
	random := bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 4))
	asymmetric, err := protocol.GenerateAsymmetricKey(random)
	if err != nil {
		t.Fatal(err)
	}
	symmetric, err := protocol.GenerateWebhookKey(random)
	if err != nil {
		t.Fatal(err)
	}
	header := protocol.SignWebhook("a", time.Unix(1, 0), []byte("b"), symmetric, asymmetric)
	if got := protocol.SignatureVersions(header + " v1,again nonsense ,x"); !slices.Equal(got, []string{"v1", "v1a"}) {
		t.Errorf("the versions are %v", got)
	}
	if !parsePublic(t, asymmetric.Public().String()).Verify("a", "1", []byte("b"), header) {
		t.Error("the public key does not verify")
	}
	if !parseSecret(t, symmetric.Secret()).Verify("a", "1", []byte("b"), header) {
		t.Error("the secret does not verify")
	}
	broken := iotest.ErrReader(errors.New("no randomness"))
	if _, err := protocol.GenerateAsymmetricKey(broken); err == nil {
		t.Error("a key was made from nothing")
	}
	if _, err := protocol.GenerateWebhookKey(broken); err == nil {
		t.Error("a secret was made from nothing")
	}
}

func TestAnAsymmetricKeyDoesNotPrintItsSecret(t *testing.T) {
	t.Parallel()
	key := parseAsymmetric(t, examplePrivate)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", key)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), log.String()} {
		if strings.Contains(text, "6Xb/") || strings.Contains(text, "233 118") || !strings.Contains(text, "hidden") {
			t.Errorf("got %s", text)
		}
	}
}

func parseAsymmetric(t *testing.T, text string) protocol.AsymmetricKey {
	t.Helper()
	key, err := protocol.ParseAsymmetricKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parsePublic(t *testing.T, text string) protocol.PublicKey {
	t.Helper()
	key, err := protocol.ParsePublicKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
