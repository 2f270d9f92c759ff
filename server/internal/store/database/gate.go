package database

import "sync"

// Gate lets calls into a database until it is closed, and makes Close wait for
// those that are inside. The zero value is open.
type Gate struct {
	mutex   sync.RWMutex
	closed  bool
	inside  sync.WaitGroup
	once    sync.Once
	closing chan struct{}
}

// Enter lets a call in, which must Leave, or returns [ErrClosed].
func (g *Gate) Enter() error {
	g.mutex.RLock()
	defer g.mutex.RUnlock()
	if g.closed {
		return ErrClosed
	}
	g.inside.Add(1)
	return nil
}

// Leave ends a call that was let in.
func (g *Gate) Leave() { g.inside.Done() }

// Closing returns a channel that is closed when Close begins.
func (g *Gate) Closing() <-chan struct{} {
	g.once.Do(func() { g.closing = make(chan struct{}) })
	return g.closing
}

// Close lets no further calls in and waits for those inside to leave. It reports
// whether this was the first Close; a later one does not wait.
func (g *Gate) Close() bool {
	g.mutex.Lock()
	first := !g.closed
	g.closed = true
	g.mutex.Unlock()
	if !first {
		return false
	}
	g.Closing()
	close(g.closing)
	g.inside.Wait()
	return true
}
