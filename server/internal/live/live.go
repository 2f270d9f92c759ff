package live

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// capacity is how many events wait for a watcher at the most.
const capacity = 1024

// Broadcaster passes events to watchers. A nil one passes them to nobody. It may
// be used concurrently.
type Broadcaster struct {
	watching atomic.Int64
	mu       sync.RWMutex // guards watchers and closed
	watchers map[*Watcher]struct{}
	closed   bool
}

// New returns a broadcaster that nobody watches.
func New() *Broadcaster { return &Broadcaster{watchers: map[*Watcher]struct{}{}} }

// Watched reports whether anybody watches: if not, there is no need to make an
// event.
func (b *Broadcaster) Watched() bool { return b != nil && b.watching.Load() > 0 }

// Publish passes an event to the watchers of its environment. It never waits for
// them.
func (b *Broadcaster) Publish(event Event) {
	if !b.Watched() {
		return
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	for w := range b.watchers {
		if w.environmentID == event.EnvironmentID {
			w.push(event)
		}
	}
}

// Watch returns a watcher of an environment, who must be closed.
func (b *Broadcaster) Watch(environmentID string) *Watcher {
	w := &Watcher{broadcaster: b, environmentID: environmentID, ready: make(chan struct{}, 1), ended: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(w.ended)
		return w
	}
	b.watchers[w] = struct{}{}
	b.watching.Add(1)
	return w
}

// Close ends every watcher, now and later. It is harmless to close twice.
func (b *Broadcaster) Close() {
	b.mu.Lock()
	b.closed = true
	watchers := slices.Collect(maps.Keys(b.watchers))
	b.mu.Unlock()
	for _, w := range watchers {
		w.Close()
	}
}

// Watcher is told what happens in an environment. Its methods may be called
// concurrently.
type Watcher struct {
	broadcaster   *Broadcaster
	environmentID string
	ready         chan struct{}
	ended         chan struct{}

	mu     sync.Mutex // guards what follows
	events []Event
	missed int
}

func (w *Watcher) push(event Event) {
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
func (w *Watcher) Ready() <-chan struct{} { return w.ready }

// Ended is closed when nothing will come any more.
func (w *Watcher) Ended() <-chan struct{} { return w.ended }

// Take returns the events since it was last called, and how many were lost after
// them because nobody took them.
func (w *Watcher) Take() (events []Event, missed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	events, missed = w.events, w.missed
	w.events, w.missed = nil, 0
	return events, missed
}

// Close ends the watching. It is harmless to close twice.
func (w *Watcher) Close() {
	w.broadcaster.mu.Lock()
	defer w.broadcaster.mu.Unlock()
	if _, ok := w.broadcaster.watchers[w]; !ok {
		return
	}
	delete(w.broadcaster.watchers, w)
	w.broadcaster.watching.Add(-1)
	close(w.ended)
}
