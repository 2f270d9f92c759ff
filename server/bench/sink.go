package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/receiver"
)

// sinkSecret is what notifications to sinks are signed with.
var sinkSecret = "whsec_" + strings.Repeat("c2lu", 10)

// message is a request that a sink got.
type message struct {
	header http.Header
	body   []byte
}

// sink receives notifications of subscriptions and counts them.
type sink struct {
	*service
	received atomic.Int64
	// all is closed when as many were received as are awaited.
	awaited atomic.Int64
	all     chan struct{}
	// take does with a notification what a receiver does; nil to count it only.
	take http.Handler
	// hanging answers nothing until done is closed.
	hanging bool
	done    chan struct{}
	// sample is the first that came, to be read once one was received.
	sample message
	first  sync.Once
	// subscriptions are those that it is the receiver of.
	subscriptions []string
}

// newCounter returns a sink that costs the least there is: it reads what comes over
// HTTP and counts.
func newCounter(hanging bool) (*sink, error) {
	s := &sink{hanging: hanging, done: make(chan struct{})}
	var err error
	s.service, err = listen(s)
	return s, err
}

// newReceiver returns a sink that does what receivers are to do: it takes
// notifications over HTTPS, verifies them and reads what they say.
func (b *bench) newReceiver() (*sink, error) {
	s := &sink{}
	var err error
	s.take, err = receiver.New(
		receiver.Config{Secrets: []string{sinkSecret}, Tolerance: time.Hour}, // the bare client sends one again and again
		func(context.Context, protocol.RunNotification[payload, jobOutput]) error {
			s.count()
			return nil
		})
	if err == nil {
		s.service, err = listenSecurely(s, b.identity.certificate)
	}
	return s, err
}

// ServeHTTP takes a notification.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.first.Do(func() {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			s.sample = message{r.Header.Clone(), body}
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	})
	if s.take != nil {
		s.take.ServeHTTP(w, r)
		return
	}
	if _, err := io.ReadAll(r.Body); err != nil {
		return // the sender left
	}
	if s.hanging {
		select {
		case <-r.Context().Done():
			return
		case <-s.done:
		}
	}
	s.count()
}

func (s *sink) count() {
	if s.received.Add(1) == s.awaited.Load() {
		close(s.all)
	}
}

// await returns a channel that is closed when a number of notifications were
// received. It is to be called once, before any of them is sent.
func (s *sink) await(number int64) <-chan struct{} {
	s.all = make(chan struct{})
	s.awaited.Store(number)
	return s.all
}

// subscribeOff makes a subscription that collects notifications and sends none.
func (s *scene) subscribeOff(ctx context.Context, to *sink) (id string, err error) {
	var made struct{ ID string }
	err = ask(ctx, "POST", s.server.url+subscriptionsPath, fmt.Sprintf(`{"url":%q,"enabled":false,"secret":%q}`, to.url, sinkSecret), &made)
	return made.ID, err
}
