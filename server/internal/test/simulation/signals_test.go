package simulation

import (
	"context"
	"sync"
	"time"
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
	if err := by.hears(ctx, "", fn); err != nil {
		return err
	}
	for {
		select {
		case message := <-inbox:
			if err := by.hears(ctx, message, fn); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hears calls fn when a message has reached the server.
func (d *nodeDatabase) hears(ctx context.Context, message string, fn func(string)) error {
	name := d.name + " hears of " + message
	if err := d.gate.soon(ctx, name, time.Millisecond, nil); err != nil {
		return err
	}
	if err := d.thaw(name); err != nil {
		return err
	}
	fn(message)
	return nil
}
