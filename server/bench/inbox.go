package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
)

// arrival is a webhook that came.
type arrival struct {
	at            time.Time
	codeStartedAt int64 // in nanoseconds since 1970
	// endedAt is when the server ended the run, to the millisecond; zero if it did
	// not say.
	endedAt protocol.Time
}

// inbox receives the webhooks and keeps count of them.
type inbox struct {
	// signed is whether webhooks must bear a signature.
	signed bool

	mu       sync.Mutex
	runs     map[string]*delivery
	accepted int
	webhooks int
	bytes    int64
	problems []string
}

// delivery is what is known of one run: that it was accepted, that it was reported.
type delivery struct {
	accepted bool
	times    int
	arrived  chan arrival // holds the first
}

func newInbox(signed bool) *inbox {
	return &inbox{signed: signed, runs: map[string]*delivery{}}
}

// delivery returns what is known of a run. The lock must be held.
func (b *inbox) delivery(run string) *delivery {
	d := b.runs[run]
	if d == nil {
		d = &delivery{arrived: make(chan arrival, 1)}
		b.runs[run] = d
	}
	return d
}

// expect notes that a run was accepted, and returns where its webhook is
// announced, which may have come already.
func (b *inbox) expect(run string) <-chan arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.delivery(run)
	if d.accepted {
		b.problems = append(b.problems, "two invocations were answered with run "+run)
	}
	d.accepted = true
	b.accepted++
	return d.arrived
}

// ServeHTTP takes a webhook.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.take(at, body, r.Header.Get(protocol.HeaderSignature))
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"ok":true}`)
}

func (b *inbox) take(at time.Time, body []byte, signature string) {
	var notification struct {
		ID     string    `json:"id"`
		OK     bool      `json:"ok"`
		Output jobOutput `json:"output"`
		// CompletedAt is absent from what a floor sends.
		CompletedAt protocol.Time `json:"completedAt"`
	}
	err := json.Unmarshal(body, &notification)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.webhooks++
	b.bytes += int64(len(body))
	switch {
	case err != nil || !notification.OK:
		b.problems = append(b.problems, fmt.Sprintf("a run did not succeed: %s", body))
	case b.signed && !protocol.VerifyBody(apiKey, body, signature):
		b.problems = append(b.problems, "the signature of the webhook of run "+notification.ID+" is wrong")
	}
	d := b.delivery(notification.ID)
	if d.times++; d.times == 1 {
		d.arrived <- arrival{at: at, codeStartedAt: notification.Output.StartedAt, endedAt: notification.CompletedAt}
	}
}

// check returns an error unless each accepted run was reported exactly once, and
// no other. It is for when the server has stopped.
func (b *inbox) check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		return fmt.Errorf("%d problems, the first: %s", len(b.problems), b.problems[0])
	}
	for run, d := range b.runs {
		if !d.accepted || d.times != 1 {
			return fmt.Errorf("run %s was reported %d times (accepted: %v)", run, d.times, d.accepted)
		}
	}
	if b.accepted != b.webhooks {
		return fmt.Errorf("%d runs were accepted but %d webhooks came", b.accepted, b.webhooks)
	}
	return nil
}

// count returns how many runs were accepted.
func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted
}

// received returns how many webhooks came.
func (b *inbox) received() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.webhooks
}
