package outbox

import "sync"

// feedSignal wakes those who follow the feed when there may be something new. The zero
// value is ready. It may be used concurrently.
type feedSignal struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that is closed when there may be something new.
func (n *feedSignal) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	return n.next
}

func (n *feedSignal) send() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}
