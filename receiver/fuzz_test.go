package receiver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// Whatever is sent, nothing is handed over that the key did not sign, and the answer
// is one of those that are documented.
func FuzzReceiver(f *testing.F) {
	good := signed(body(), "ntf_1", now)
	seed := func(r *http.Request, body []byte) {
		f.Add(r.Header.Get(protocol.HeaderWebhookID), r.Header.Get(protocol.HeaderWebhookTimestamp), r.Header.Get(protocol.HeaderWebhookSignature), r.Header.Get(protocol.HeaderSignature), body, false)
	}
	seed(good, body())
	seed(signedByBodyOnly(body()), body())
	seed(signed([]byte(`{"id":[]}`), "a.b", now), []byte(`{"id":[]}`))
	f.Add("", "", "", "sha256=", []byte(strings.Repeat("[", 20_000)), true)
	f.Add("ntf_1", "1e9", "v1,AA== v1a,AA== v1", "00", []byte("null"), true)
	f.Fuzz(func(t *testing.T, id, timestamp, signature, legacy string, sent []byte, allowLegacy bool) {
		called := 0
		handler, err := receiver.New(receiver.Config{APIKey: apiKey, AllowLegacy: allowLegacy, Now: atNow}, func(context.Context, done) error {
			called++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/done", bytes.NewReader(sent))
		for name, value := range map[string]string{
			protocol.HeaderWebhookID: id, protocol.HeaderWebhookTimestamp: timestamp,
			protocol.HeaderWebhookSignature: signature, protocol.HeaderSignature: legacy,
		} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if !slices.Contains([]int{200, 400, 401}, answer.Code) || !json.Valid(answer.Body.Bytes()) {
			t.Errorf("answered %d %q", answer.Code, answer.Body)
		}
		genuine := protocol.DerivedWebhookKey(apiKey).Verify(id, timestamp, sent, signature) ||
			allowLegacy && protocol.VerifyBody(apiKey, sent, legacy)
		if called > 0 && !genuine || called > 1 || (called == 1) != (answer.Code == 200) {
			t.Errorf("handed over %d times with %d", called, answer.Code)
		}
		err = receiver.Verify(r.Header, sent, receiver.Config{APIKey: apiKey, AllowLegacy: allowLegacy, Now: atNow})
		if answer.Code == 200 && err != nil || answer.Code == 401 && err == nil {
			t.Errorf("Verify says %v where the handler answers %d", err, answer.Code)
		}
		if err != nil && !slices.ContainsFunc([]error{receiver.ErrUnsigned, receiver.ErrMalformed, receiver.ErrStale, receiver.ErrWrongSignature}, func(known error) bool { return errors.Is(err, known) }) {
			t.Errorf("an error of no known kind: %v", err)
		}
	})
}

func atNow() time.Time { return now }
