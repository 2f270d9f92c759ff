package verify_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/verify"
)

// Recorded headers are read whatever is in the file, into names and values that are
// of one line each.
func FuzzParseHeader(f *testing.F) {
	for _, seed := range []string{
		"POST /done HTTP/1.1\r\nWebhook-Id: ntf_1\r\nWebhook-Timestamp: 1700000000\r\n\r\nbody",
		"> webhook-signature: v1,AA==\n< x: y\n", `{"Webhook-Id":"ntf_1","Webhook-Timestamp":1700000000,"webhook-signature":["v1,AA==","v1a,AA=="]}`,
		"\xef\xbb\xbfA: b", "\xff\xfeA\x00:\x00b\x00", "\xfe\xff\x00A\x00:\x00b", "{\"a\":" + strings.Repeat("[", 20_000), "no header", ":", "\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		header, err := verify.ParseHeader(file)
		if err != nil {
			if header != nil || len(err.Error()) > 1000 {
				t.Errorf("%d headers and an error of %d bytes", len(header), len(err.Error()))
			}
			return
		}
		for name, values := range header {
			if name != http.CanonicalHeaderKey(name) {
				t.Errorf("%q is not found by Get", name)
			}
			for _, value := range values {
				if strings.Contains(value, "\n") && !strings.HasPrefix(strings.TrimSpace(string(file)), "{") && strings.IndexByte(string(file), 0) < 0 {
					t.Errorf("%q has several lines: %q", name, value)
				}
			}
		}
		key, keyErr := protocol.ParseWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		if keyErr != nil {
			t.Fatal(keyErr)
		}
		key.Verify(header.Get(protocol.HeaderWebhookID), header.Get(protocol.HeaderWebhookTimestamp), file, header.Get(protocol.HeaderWebhookSignature))
	})
}
