package receiver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

const apiKey = "tr_prod_abc123"

type (
	order   struct{ Number int }
	receipt struct{ Charge string }
	done    = protocol.RunNotification[order, receipt]
)

var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// fixture is a receiver, its clock stopped at now, that keeps what it was called with.
type fixture struct {
	handler http.Handler
	log     *strings.Builder
	calls   []done
	context []context.Context
}

// setup makes a receiver. reply, if not nil, is what its function does.
func setup(t *testing.T, config receiver.Config, reply func() error) *fixture {
	t.Helper()
	f := &fixture{log: &strings.Builder{}}
	config.Now = func() time.Time { return now }
	config.Logger = slog.New(slog.NewTextHandler(f.log, nil))
	if config.APIKey == "" && config.Secrets == nil && config.PublicKeys == nil {
		config.APIKey = apiKey
	}
	var err error
	f.handler, err = receiver.New(config, func(ctx context.Context, n done) error {
		f.calls, f.context = append(f.calls, n), append(f.context, ctx)
		if reply == nil {
			return nil
		}
		return reply()
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// body is a notification of a run that succeeded.
func body() []byte {
	return protocol.EncodeRunNotification(&protocol.RawRunNotification{
		ID: "run_1", OK: true, Status: protocol.RunSuccess, Output: json.RawMessage(`{"Charge":"ch_1"}`),
		StartedAt: protocol.At(now), UpdatedAt: protocol.At(now), CompletedAt: protocol.At(now),
		Invocation: protocol.NotificationInvocation[json.RawMessage]{ID: "run_1", Payload: json.RawMessage(`{"Number":7}`)},
		Job:        protocol.JobReference{ID: "fulfil", Version: "1.0.0"},
	})
}

func post(body []byte) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/done", strings.NewReader(string(body)))
}

// signed returns a request as a server sends it at a time, with both signatures.
func signed(body []byte, id string, at time.Time) *http.Request {
	r := post(body)
	r.Header.Set(protocol.HeaderSignature, protocol.SignBody(apiKey, body))
	r.Header.Set(protocol.HeaderWebhookID, id)
	r.Header.Set(protocol.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(protocol.HeaderWebhookSignature, protocol.SignWebhook(id, at, body, protocol.DerivedWebhookKey(apiKey)))
	r.Header.Set(protocol.HeaderWebhookAttempt, "2")
	return r
}

// signedByBodyOnly returns a request that bears no timestamp.
func signedByBodyOnly(body []byte) *http.Request {
	r := post(body)
	r.Header.Set(protocol.HeaderSignature, protocol.SignBody(apiKey, body))
	return r
}

func TestASignedNotificationReachesTheFunction(t *testing.T) {
	t.Parallel()
	f := setup(t, receiver.Config{}, nil)
	w := f.send(signed(body(), "ntf_1", now.Add(-time.Minute)))
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"ok":true}` || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if len(f.calls) != 1 || f.calls[0].Output.Charge != "ch_1" || f.calls[0].Invocation.Payload.Number != 7 {
		t.Fatalf("got calls %+v", f.calls)
	}
	delivery, ok := receiver.DeliveryFrom(f.context[0])
	if want := (receiver.Delivery{ID: "ntf_1", Timestamp: now.Add(-time.Minute), Attempt: 2}); !ok || delivery.ID != want.ID ||
		!delivery.Timestamp.Equal(want.Timestamp) || delivery.Attempt != want.Attempt {
		t.Errorf("got delivery %+v, want %+v", delivery, want)
	}
	if f.log.Len() > 0 {
		t.Errorf("a success was logged: %s", f.log)
	}
}

func TestTheAnswerToWhatTheFunctionDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		reply func() error
		log   string
	}{
		{"an error becomes 500", func() error { return errors.New("disk full") }, "disk full"},
		{"a panic becomes 500", func() error { panic("out of paper") }, "out of paper"},
		{"an aborting panic becomes 500", func() error { panic(http.ErrAbortHandler) }, "abort"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, receiver.Config{}, c.reply)
			w := f.send(signed(body(), "ntf_1", now))
			if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), c.log) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if log := f.log.String(); !strings.Contains(log, c.log) || !strings.Contains(log, "run=run_1") || !strings.Contains(log, "attempt=2") {
				t.Errorf("got log %s", log)
			}
		})
	}
}

func TestRequestsThatAreRefusedCallNothing(t *testing.T) {
	t.Parallel()
	change := func(name, value string) *http.Request {
		r := signed(body(), "ntf_1", now)
		r.Header.Set(name, value)
		return r
	}
	without := func(names ...string) *http.Request {
		r := signed(body(), "ntf_1", now)
		for _, name := range names {
			r.Header.Del(name)
		}
		return r
	}
	broken := post(nil)
	broken.Header, broken.Body = signed(body(), "ntf_1", now).Header, io.NopCloser(io.MultiReader(strings.NewReader("{"), failingReader{}))
	endless := post(nil)
	endless.Header, endless.Body, endless.ContentLength = signed(body(), "ntf_1", now).Header, io.NopCloser(repeatingReader{}), -1
	get := signed(body(), "ntf_1", now)
	get.Method = http.MethodGet
	for _, c := range []struct {
		name    string
		request *http.Request
		status  int
		error   string
	}{
		{"a GET", get, 405, "by POST, not GET"},
		{"no signature", post(body()), 401, "not signed"},
		{"a wrong webhook signature beside a right one of the body", change(protocol.HeaderWebhookSignature, "v1,AAAA"), 401, "signature is wrong"},
		{"a signature of another id", change(protocol.HeaderWebhookID, "ntf_2"), 401, "signature is wrong"},
		{"an empty webhook signature beside a right one of the body", change(protocol.HeaderWebhookSignature, ""), 401, "Webhook-Signature is missing"},
		{"no webhook signature but an id", without(protocol.HeaderWebhookSignature), 401, "Webhook-Signature is missing"},
		{"no timestamp", without(protocol.HeaderWebhookTimestamp), 401, "Webhook-Timestamp is missing"},
		{"no id", without(protocol.HeaderWebhookID), 401, "Webhook-Id is missing"},
		{"a timestamp that is no number", change(protocol.HeaderWebhookTimestamp, "noon"), 400, "seconds since 1970"},
		{"a timestamp that was moved to now", func() *http.Request {
			r := signed(body(), "ntf_1", now.Add(-time.Hour))
			r.Header.Set(protocol.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
			return r
		}(), 401, "signature is wrong"},
		{"a stale timestamp", signed(body(), "ntf_1", now.Add(-5*time.Minute-time.Second)), 401, "tolerance is 5m0s"},
		{"a timestamp from the future", signed(body(), "ntf_1", now.Add(5*time.Minute+time.Second)), 401, "tolerance is 5m0s"},
		{"a copy stripped of its webhook headers", signedByBodyOnly(body()), 401, "AllowLegacy"},
		{"a body that is not JSON", signed([]byte("ok"), "ntf_1", now), 400, "not a run notification"},
		{"a body followed by more", signed(append(body(), "{}"...), "ntf_1", now), 400, "not a run notification"},
		{"an output of another type", signed([]byte(`{"ok":true,"output":{"Charge":7}}`), "ntf_1", now), 400, "Charge"},
		{"an empty body", signed(nil, "ntf_1", now), 400, "not a run notification"},
		{"a body that breaks off", broken, 400, "could not be read"},
		{"a body that says it is too large", signed(make([]byte, 2049), "ntf_1", now), 413, "larger than 2048 bytes"},
		{"a body that does not end", endless, 413, "larger than 2048 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, receiver.Config{MaxBody: 2048}, nil)
			w := f.send(c.request)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.error) || !json.Valid(w.Body.Bytes()) {
				t.Errorf("got %d %s, want %d and %q", w.Code, w.Body, c.status, c.error)
			}
			if len(f.calls) > 0 {
				t.Errorf("the function was called: %+v", f.calls)
			}
			if f.log.Len() == 0 || strings.Contains(f.log.String(), apiKey) {
				t.Errorf("got log %q", f.log)
			}
		})
	}
}

func TestWhatIsAcceptedDependsOnTheConfiguration(t *testing.T) {
	t.Parallel()
	const otherKey = "tr_prod_other"
	secret, otherSecret := protocol.WebhookSecret(apiKey), protocol.WebhookSecret(otherKey)
	for _, c := range []struct {
		name    string
		config  receiver.Config
		request *http.Request
		status  int
	}{
		{"only the body signature", receiver.Config{}, signedByBodyOnly(body()), 401},
		{"only the body signature where that is allowed", receiver.Config{AllowLegacy: true}, signedByBodyOnly(body()), 200},
		{"only the body signature where no API key is known", receiver.Config{Secrets: []string{secret}}, signedByBodyOnly(body()), 401},
		{"both signatures", receiver.Config{}, signed(body(), "ntf_1", now), 200},
		{"both signatures, stale, where the body signature alone is allowed", receiver.Config{AllowLegacy: true}, signed(body(), "ntf_1", now.Add(-time.Hour)), 401},
		{"the secret alone", receiver.Config{Secrets: []string{secret}}, signed(body(), "ntf_1", now), 200},
		{"the second of two secrets", receiver.Config{Secrets: []string{otherSecret, secret}}, signed(body(), "ntf_1", now), 200},
		{"another secret", receiver.Config{Secrets: []string{otherSecret}}, signed(body(), "ntf_1", now), 401},
		{"another API key", receiver.Config{APIKey: otherKey}, signed(body(), "ntf_1", now), 401},
		{"the previous API key", receiver.Config{APIKey: otherKey, PreviousAPIKeys: []string{apiKey}}, signed(body(), "ntf_1", now), 200},
		{"the previous API key, body signature", receiver.Config{APIKey: otherKey, PreviousAPIKeys: []string{apiKey}, AllowLegacy: true}, signedByBodyOnly(body()), 200},
		{"at the edge of the tolerance, before", receiver.Config{}, signed(body(), "ntf_1", now.Add(-5*time.Minute)), 200},
		{"at the edge of the tolerance, after", receiver.Config{}, signed(body(), "ntf_1", now.Add(5*time.Minute)), 200},
		{"within a tolerance of its own", receiver.Config{Tolerance: time.Hour}, signed(body(), "ntf_1", now.Add(-59*time.Minute)), 200},
		{"a body of exactly the largest size", receiver.Config{MaxBody: int64(len(body()))}, signed(body(), "ntf_1", now), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, c.config, nil)
			if w := f.send(c.request); w.Code != c.status || (len(f.calls) == 1) != (c.status == 200) {
				t.Errorf("got %d %s and %d calls, want %d", w.Code, w.Body, len(f.calls), c.status)
			}
		})
	}
}

func TestALegacySignatureIsOfTheBody(t *testing.T) {
	t.Parallel()
	f := setup(t, receiver.Config{AllowLegacy: true}, nil)
	r := signedByBodyOnly(body())
	r.Body = io.NopCloser(strings.NewReader(string(body()) + " "))
	if w := f.send(r); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "signature is wrong") || len(f.calls) > 0 {
		t.Errorf("got %d %s after %d calls", w.Code, w.Body, len(f.calls))
	}
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, error string
		config      receiver.Config
	}{
		{"nothing to verify with", "APIKey, Secrets and PublicKeys are all empty", receiver.Config{}},
		{"a short secret", "Secrets[1]", receiver.Config{Secrets: []string{protocol.WebhookSecret("k"), "whsec_c2hvcnQ="}}},
		{"a secret for a public key", "PublicKeys[0]", receiver.Config{PublicKeys: []string{protocol.WebhookSecret("k")}}},
		{"a public key", "is a public key (pk_...)", receiver.Config{APIKey: "pk_prod_abc"}},
		{"a previous key that is public", "is a public key (pk_...)", receiver.Config{APIKey: apiKey, PreviousAPIKeys: []string{"\npk_prod_abc"}}},
		{"an empty previous key", "PreviousAPIKeys[0]", receiver.Config{APIKey: apiKey, PreviousAPIKeys: []string{""}}},
		{"a body signature without a key", "AllowLegacy", receiver.Config{Secrets: []string{protocol.WebhookSecret("k")}, AllowLegacy: true}},
		{"a negative tolerance", "Tolerance", receiver.Config{APIKey: apiKey, Tolerance: -1}},
		{"a negative size", "MaxBody", receiver.Config{APIKey: apiKey, MaxBody: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := receiver.New(c.config, func(context.Context, done) error { return nil })
			if err == nil || !strings.Contains(err.Error(), c.error) {
				t.Errorf("New: got error %v, want one about %s", err, c.error)
			}
			if err := receiver.Verify(http.Header{}, nil, c.config); err == nil || !strings.Contains(err.Error(), c.error) {
				t.Errorf("Verify: got error %v, want one about %s", err, c.error)
			}
		})
	}
	if _, err := receiver.New[order, receipt](receiver.Config{APIKey: apiKey}, nil); err == nil {
		t.Error("a nil function was accepted")
	}
}

func TestVerifySaysWhichCheckFailed(t *testing.T) {
	t.Parallel()
	stale, malformed, wrong := signed(body(), "a", now.Add(-time.Hour)), signed(body(), "a", now), signed(nil, "a", now)
	malformed.Header.Set(protocol.HeaderWebhookTimestamp, "x")
	for _, c := range []struct {
		name   string
		header http.Header
		want   error
	}{
		{"right", signed(body(), "a", now).Header, nil},
		{"unsigned", http.Header{}, receiver.ErrUnsigned},
		{"malformed", malformed.Header, receiver.ErrMalformed},
		{"stale", stale.Header, receiver.ErrStale},
		{"wrong", wrong.Header, receiver.ErrWrongSignature},
	} {
		config := receiver.Config{APIKey: apiKey, Now: func() time.Time { return now }}
		if err := receiver.Verify(c.header, body(), config); !errors.Is(err, c.want) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
		}
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type repeatingReader struct{}

func (repeatingReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
