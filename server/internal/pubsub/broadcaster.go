package pubsub

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// capacity is how many events wait for a subscriber at the most.
const capacity = 1024

// Broadcaster passes events to subscribers. A nil one drops them. It may
// be used concurrently.
type Broadcaster struct {
	count       atomic.Int64
	mu          sync.RWMutex // guards watchers and closed
	subscribers map[*Subscriber]struct{}
	closed      bool
}

// New returns a broadcaster without subscribers.
func New() *Broadcaster { return &Broadcaster{subscribers: map[*Subscriber]struct{}{}} }

// HasSubscribers reports whether there are any: if not, there is no need to make an
// event.
func (b *Broadcaster) HasSubscribers() bool { return b != nil && b.count.Load() > 0 }

// Publish passes an event to the subscribers of its environment. It never waits for
// them.
func (b *Broadcaster) Publish(event Event) {
	if !b.HasSubscribers() {
		return
	}
	event.shorten()
	b.mu.RLock()
	defer b.mu.RUnlock()
	for w := range b.subscribers {
		if w.environmentID == event.EnvironmentID {
			w.push(event)
		}
	}
}

// Subscribe returns a subscriber to an environment, which must be closed.
func (b *Broadcaster) Subscribe(environmentID string) *Subscriber {
	w := &Subscriber{broadcaster: b, environmentID: environmentID, ready: make(chan struct{}, 1), ended: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(w.ended)
		return w
	}
	b.subscribers[w] = struct{}{}
	b.count.Add(1)
	return w
}

// Close ends every subscriber, now and later. It is harmless to close twice.
func (b *Broadcaster) Close() {
	b.mu.Lock()
	b.closed = true
	subscribers := slices.Collect(maps.Keys(b.subscribers))
	b.mu.Unlock()
	for _, w := range subscribers {
		w.Close()
	}
}

// Subscriber gets the events of an environment. Its methods may be called
// concurrently.
type Subscriber struct {
	broadcaster   *Broadcaster
	environmentID string
	ready         chan struct{}
	ended         chan struct{}

	mu     sync.Mutex // guards what follows
	events []Event
	missed int
}

func (w *Subscriber) push(event Event) {
	w.mu.Lock()
	if len(w.events) == capacity {
		w.missed++
	} else {
		w.events = append(w.events, event)
	}
	w.mu.Unlock()
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// Ready receives when there is something to take.
func (w *Subscriber) Ready() <-chan struct{} { return w.ready }

// Ended is closed when nothing will come any more.
func (w *Subscriber) Ended() <-chan struct{} { return w.ended }

// Take returns the events since it was last called, and how many were lost after
// them because the subscriber was too slow.
func (w *Subscriber) Take() (events []Event, missed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	events, missed = w.events, w.missed
	w.events, w.missed = nil, 0
	return events, missed
}

// Close ends the subscription. It is harmless to close twice.
func (w *Subscriber) Close() {
	w.broadcaster.mu.Lock()
	defer w.broadcaster.mu.Unlock()
	if _, ok := w.broadcaster.subscribers[w]; !ok {
		return
	}
	delete(w.broadcaster.subscribers, w)
	w.broadcaster.count.Add(-1)
	close(w.ended)
}
