package notify

import "sync"

// news tells those who follow the feed that there may be something new. The zero
// value is ready. It may be used concurrently.
type news struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that is closed when there may be something new.
func (n *news) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	return n.next
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}
