package crash

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/runhook/runhook/receiver"
)

// inbox receives the notifications. It is not killed, but refuses some.
type inbox struct {
	t   *testing.T
	URL string

	verifier *receiver.Verifier
	mu       sync.Mutex
	count    int
	// refused holds the ids that were refused: the pause before a third attempt would
	// be longer than all that is tested.
	refused map[string]bool
	// byKey holds, by run, the ids and bodies of its notifications and how often
	// each came.
	byKey map[string]map[message]int
}

// message is what must be the same of every attempt.
type message struct{ id, body string }

// refusedEvery is how many notifications come for one that is refused, and so
// is delivered again.
const refusedEvery = 50

func newInbox(t *testing.T) *inbox {
	b := &inbox{t: t, refused: map[string]bool{}, byKey: map[string]map[message]int{}}
	var err error
	if b.verifier, err = receiver.NewVerifier(receiver.Config{APIKey: apiKey, Secrets: []string{inboxSecret}}); err != nil {
		t.Fatal(err)
	}
	b.URL = serve(t, b)
	return b
}

// serve serves until the test has ended, and returns where.
func serve(t *testing.T, handler http.Handler) (url string) {
	web := httptest.NewServer(handler)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	return web.URL
}

// receive returns a notification that came, if it is one and is whole.
func receive(t *testing.T, verifier *receiver.Verifier, r *http.Request) (delivery receiver.Delivery, body []byte, ok bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return delivery, nil, false // the server was killed
	}
	if delivery, err = verifier.Verify(r.Header, body); err != nil {
		t.Errorf("a notification: %v", err)
	}
	return delivery, body, err == nil
}

// inboxSecret signs what a subscription receives.
const inboxSecret = "whsec_Y3Jhc2hpbmcgaXMgYSB3YXkgb2YgbGlmZSBmb3IgdXM="

// ServeHTTP implements [http.Handler]. The query of a callback URL names the run's
// key; what a subscription receives is of a run that an event started.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	delivery, body, ok := receive(b.t, b.verifier, r)
	if !ok {
		return
	}
	key := r.URL.Query().Get("key")
	if key == "" {
		key = heardKey(b.t, body)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count++; b.count%refusedEvery == 0 && !b.refused[delivery.ID] {
		b.refused[delivery.ID] = true
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if b.byKey[key] == nil {
		b.byKey[key] = map[message]int{}
	}
	b.byKey[key][message{delivery.ID, string(body)}]++
}

// has reports whether the run of a key was reported.
func (b *inbox) has(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.byKey[key]) > 0
}

// messages returns the notifications of a key's run, and how often they came.
func (b *inbox) messages(key string) (all []message, came int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for m, n := range b.byKey[key] {
		all, came = append(all, m), came+n
	}
	return all, came
}

// keys returns the keys of all runs that were reported.
func (b *inbox) keys() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.byKey {
		all = append(all, key)
	}
	return all
}
