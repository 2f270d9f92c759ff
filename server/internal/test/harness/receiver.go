package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// Delivered is one request that a receiver got.
type Delivered struct {
	receiver.Delivery
	Header       http.Header
	Body         []byte
	Notification protocol.RawRunNotification
	// At is when it arrived, by the server's clock.
	At time.Time
}

// Receiver receives completion webhooks of DEVELOPMENT. It fails the test if one
// has not both signatures.
type Receiver struct {
	t      testing.TB
	server *Server
	URL    string

	mu        sync.Mutex
	keys      receiver.Config
	replies   []Reply
	delivered []Delivered
}

// NewReceiver starts a receiver that answers each request with the next of the
// replies, and 200 after those.
func NewReceiver(t testing.TB, s *Server, replies ...Reply) *Receiver {
	t.Helper()
	r := &Receiver{t: t, server: s, replies: replies}
	web := httptest.NewServer(r)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	r.URL = web.URL + "/done"
	return r
}

// ServeHTTP implements [http.Handler].
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the server left
	}
	delivered := Delivered{Header: request.Header, Body: body, At: r.server.now()}
	r.verify(&delivered)
	r.mu.Lock()
	r.delivered = append(r.delivered, delivered)
	reply := HTTP(http.StatusOK, `{"ok":true}`)
	if len(r.replies) > 0 {
		reply, r.replies = r.replies[0], r.replies[1:]
	}
	r.mu.Unlock()
	reply.write(w, request)
}

// Trust has the receiver verify by these keys, in place of the API key's.
func (r *Receiver) Trust(keys receiver.Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
}

func (r *Receiver) verify(d *Delivered) {
	key := r.server.Key(protocol.Development).Secret
	r.mu.Lock()
	config := r.keys
	r.mu.Unlock()
	if len(config.Secrets)+len(config.PublicKeys) == 0 {
		config.APIKey = key
	}
	config.Now = r.server.now
	verifier, err := receiver.NewVerifier(config)
	if err == nil {
		d.Delivery, err = verifier.Verify(d.Header, d.Body)
	}
	if err != nil {
		r.t.Errorf("the Standard Webhooks signature of a notification: %v", err)
	}
	// A subscription gets it only if it asks for it.
	if legacy := d.Header.Values(protocol.HeaderSignature); (config.APIKey != "" || len(legacy) > 0) && !protocol.VerifyBody(key, d.Body, d.Header.Get(protocol.HeaderSignature)) {
		r.t.Errorf("%s of a notification is wrong: %q", protocol.HeaderSignature, d.Header.Get(protocol.HeaderSignature))
	}
	if err := json.Unmarshal(d.Body, &d.Notification); err != nil {
		r.t.Errorf("the body of a notification: %v", err)
	}
}

// Delivered returns what was received so far.
func (r *Receiver) Delivered() []Delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Delivered(nil), r.delivered...)
}

// WaitFor waits until at least n requests were received, and returns the nth.
func (r *Receiver) WaitFor(n int) Delivered {
	r.t.Helper()
	r.server.Wait("a notification", func() bool { return len(r.Delivered()) >= n })
	return r.Delivered()[n-1]
}

// End runs a script to its end and returns its notification.
// advance, if not nil, is called again and again until the run ends.
func (a *App) End(advance func(runID string), steps ...Step) protocol.RawRunNotification {
	a.t.Helper()
	r := NewReceiver(a.t, a.server)
	id := a.Run(protocol.InvokeJob{Options: &protocol.InvokeOptions{CallbackURL: r.URL}}, steps...)
	a.server.Wait("run "+id+" to end", func() bool {
		if advance != nil {
			advance(id)
		}
		return len(r.Delivered()) > 0
	})
	return r.Delivered()[0].Notification
}
