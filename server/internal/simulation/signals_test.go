package simulation

import (
	"context"
	"sync"
)

// signals carries messages between the servers on one database, as PostgreSQL
// does. It may be used concurrently.
type signals struct {
	mu        sync.Mutex
	listeners map[*nodeDatabase]chan string
}

func newSignals() *signals { return &signals{listeners: map[*nodeDatabase]chan string{}} }

// publish hands messages to all listeners but the sender. Who is too slow to take
// them misses them, and finds the work by itself.
func (s *signals) publish(from *nodeDatabase, messages []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for listener, inbox := range s.listeners {
		if listener == from {
			continue
		}
		for _, message := range messages {
			select {
			case inbox <- message:
			default:
			}
		}
	}
}

// listen calls fn for each message of others until ctx ends.
func (s *signals) listen(ctx context.Context, by *nodeDatabase, fn func(message string)) error {
	inbox := make(chan string, 16)
	s.mu.Lock()
	s.listeners[by] = inbox
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, by)
	}()
	fn("")
	for {
		select {
		case message := <-inbox:
			if err := by.thaw(); err != nil {
				return err
			}
			fn(message)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
