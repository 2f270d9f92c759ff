package notify

import (
	"slices"
	"sync"
)

const (
	// mostAhead is how many notifications are claimed before there is room for
	// them, and mostAheadBytes about how many bytes their bodies may have.
	mostAhead      = 2048
	mostAheadBytes = 64 << 20
)

// ahead are the notifications that were claimed before there is room for them at
// their destinations, so that one which answers quickly never waits for the
// database. They are few, and only for such destinations (package pace): whatever
// is here can be sent by no other process meanwhile. It may be used concurrently.
type ahead struct {
	mu      sync.Mutex
	waiting map[string][]delivery
	total   int // that wait
	// size is about how large a body is.
	size int
}

// put adds notifications to a destination, after those that wait.
func (a *ahead) put(destination string, deliveries []delivery) {
	if len(deliveries) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = map[string][]delivery{}
	}
	a.waiting[destination] = append(a.waiting[destination], deliveries...)
	a.total += len(deliveries)
	bytes := 0
	for _, d := range deliveries {
		bytes += len(d.Body)
	}
	a.size = bytes / len(deliveries)
}

// take takes up to n of those that wait for a destination, the longest waiting
// first, and returns how many are left.
func (a *ahead) take(destination string, n int) (taken []delivery, left int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	waiting := a.waiting[destination]
	n = min(n, len(waiting))
	taken = waiting[:n:n]
	a.total -= n
	if left = len(waiting) - n; left == 0 {
		delete(a.waiting, destination)
	} else {
		a.waiting[destination] = waiting[n:]
	}
	return taken, left
}

// room returns for how many more of a destination there is room when it may have
// most.
func (a *ahead) room(destination string, most int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := mostAhead
	if a.size > 0 {
		all = min(all, mostAheadBytes/a.size)
	}
	return max(0, min(most-len(a.waiting[destination]), all-a.total))
}

// countOf returns how many wait for a destination.
func (a *ahead) countOf(destination string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.waiting[destination])
}

// destinations returns the destinations that something waits for, in order.
func (a *ahead) destinations() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]string, 0, len(a.waiting))
	for destination := range a.waiting {
		all = append(all, destination)
	}
	slices.Sort(all)
	return all
}
