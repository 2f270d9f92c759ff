package verify_test

import (
	"crypto/sha512"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/verify"
)

const slackBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
	"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands" +
	"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

// The vectors of GitHub, Slack and Standard Webhooks are those of their
// documentation. The others were computed with another program.
var genuine = map[string]struct {
	verifier verify.Verifier
	received int64
	header   http.Header
	body     string
}{
	"GitHub": {
		verify.GitHub("It's a Secret to Everybody"), 0,
		http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}, "Hello, World!",
	},
	"Slack": {
		verify.Slack("8f742231b10e8888abcd99yyyzzz85a5"), 1531420618,
		http.Header{
			"X-Slack-Request-Timestamp": {"1531420618"},
			"X-Slack-Signature":         {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
		}, slackBody,
	},
	"Standard Webhooks": {
		verify.StandardWebhooks("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 1614265330,
		http.Header{
			"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {"v1,bm90IHRoaXMgb25l v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		}, `{"test": 2432232314}`,
	},
	"Stripe": {
		verify.Stripe("whsec_test_secret"), 1700000000,
		http.Header{"Stripe-Signature": {
			"t=1700000000,v1=00,v1=0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39",
		}}, `{"id":"evt_1","object":"event"}`,
	},
	"an HMAC in base64": {
		verify.HMAC{Secret: "key", Header: "X-Sign", Encoding: verify.Base64}.Verify, 0,
		http.Header{"X-Sign": {"97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="}}, "The quick brown fox jumps over the lazy dog",
	},
	"an HMAC of another hash": {
		verify.HMAC{Secret: "key", Header: "X-Sign", Prefix: "sha512=", Hash: sha512.New}.Verify, 0,
		http.Header{"X-Sign": {"sha512=b42af09057bac1e2d41708e48a902e09b5ff7f12ab428a4fe86653c73dd248fb82f948a549f7b791a5b41915ee4d1ec3935357e4e2317250d0372afa2ebeeb3a"}},
		"The quick brown fox jumps over the lazy dog",
	},
	"nothing": {verify.Nothing, 0, http.Header{}, "x"},
}

func request(header http.Header, body string, received int64) *verify.Request {
	return &verify.Request{Method: "POST", Header: header.Clone(), Body: []byte(body), Received: time.Unix(received, 0)}
}

func TestGenuineRequestsPass(t *testing.T) {
	for name, c := range genuine {
		t.Run(name, func(t *testing.T) {
			if err := c.verifier(request(c.header, c.body, c.received)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestForgedRequestsDoNot(t *testing.T) {
	for name, c := range genuine {
		if name == "nothing" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if err := c.verifier(request(c.header, c.body+" ", c.received)); !errors.Is(err, verify.ErrWrongSignature) {
				t.Errorf("another body: %v", err)
			}
			for header := range c.header {
				without := request(c.header, c.body, c.received)
				without.Header.Del(header)
				if err := c.verifier(without); !errors.Is(err, verify.ErrUnsigned) || !strings.Contains(err.Error(), header) {
					t.Errorf("without %s: %v", header, err)
				}
				garbled := request(c.header, c.body, c.received)
				garbled.Header.Set(header, "garbled")
				if err := c.verifier(garbled); !errors.Is(err, verify.ErrMalformed) && !errors.Is(err, verify.ErrWrongSignature) {
					t.Errorf("garbled %s: %v", header, err)
				}
			}
		})
	}
}

func TestRequestsMustComeWithinFiveMinutesOfTheirTime(t *testing.T) {
	for name, c := range genuine {
		if c.received == 0 {
			continue
		}
		for late, want := range map[int64]error{300: nil, -300: nil, 301: verify.ErrStale, -301: verify.ErrStale} {
			if err := c.verifier(request(c.header, c.body, c.received+late)); !errors.Is(err, want) {
				t.Errorf("%s, %d s late: %v", name, late, err)
			}
		}
	}
}

func TestAnEmptySecretRefusesEverything(t *testing.T) {
	cases := map[string]verify.Verifier{
		"GitHub": verify.GitHub(""), "Slack": verify.Slack(""), "Stripe": verify.Stripe(""),
		"Standard Webhooks": verify.StandardWebhooks(""), "an HMAC in base64": verify.HMAC{Header: "X-Sign"}.Verify,
	}
	for name, verifier := range cases {
		c := genuine[name]
		if err := verifier(request(c.header, c.body, c.received)); !errors.Is(err, verify.ErrNoSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	err := verify.StandardWebhooks("not a secret of that form")(request(http.Header{}, "", 0))
	if err == nil || strings.Contains(err.Error(), "not a secret of that form") {
		t.Errorf("error %v", err)
	}
}
