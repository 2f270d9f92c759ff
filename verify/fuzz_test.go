package verify_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/runhook/runhook/verify"
)

// No one without the secret makes a request that is accepted, and why not
// is always one of the documented errors.
func FuzzVerifiers(f *testing.F) {
	for _, g := range genuine {
		for name, values := range g.header {
			f.Add(name, values[0], "", g.received, []byte(g.body))
		}
	}
	f.Add("Webhook-Signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "1614265330", int64(1614265330), []byte(`{"test": 2432232314}`))
	f.Add("Stripe-Signature", "t=,v1==,v1=0,,=", "", int64(-1), []byte("\xff"))
	f.Add("X-Slack-Signature", "v0=", "9223372036854775807", int64(-1<<62), []byte{})
	secret := rand.Text()
	key := make([]byte, 32)
	rand.Read(key)
	verifiers := map[string]verify.Verifier{
		"GitHub": verify.GitHub(secret), "Slack": verify.Slack(secret), "Stripe": verify.Stripe(secret),
		"Standard Webhooks": verify.StandardWebhooks("whsec_" + base64.StdEncoding.EncodeToString(key)),
		"HMAC":              verify.HMAC{Secret: secret, Header: "X-Sign", Encoding: verify.Base64}.Verify,
		"no secret":         verify.GitHub(""), "a bad secret": verify.StandardWebhooks("whsec_%"),
	}
	known := []error{verify.ErrUnsigned, verify.ErrMalformed, verify.ErrStale, verify.ErrWrongSignature, verify.ErrNoSecret}
	f.Fuzz(func(t *testing.T, name, value, stamp string, received int64, body []byte) {
		header := http.Header{}
		for _, always := range []string{"X-Slack-Request-Timestamp", "Webhook-Timestamp", "Webhook-Id"} {
			header.Set(always, stamp)
		}
		for _, signature := range []string{name, "X-Hub-Signature-256", "X-Slack-Signature", "Stripe-Signature", "Webhook-Signature", "X-Sign"} {
			header.Set(signature, value)
		}
		request := &verify.Request{Method: "POST", URL: "http://app.test/", Header: header, Body: body, Received: time.Unix(received, 0)}
		for name, verifier := range verifiers {
			err := verifier(request)
			documented := false
			for _, one := range known {
				documented = documented || errors.Is(err, one)
			}
			if !documented {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := verify.Nothing(request); err != nil {
			t.Error(err)
		}
	})
}
