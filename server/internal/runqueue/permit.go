package runqueue

import (
	"sync"

	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/store"
)

// Permit is the right to execute one run: a slot, a place in the count of its
// environment and its endpoint, and the bytes that the execution holds. It may be used
// concurrently.
type Permit struct {
	queue                 *Queue
	environment, endpoint string

	mu sync.Mutex
	// bytes is what the execution holds, and counted is set when it counts against the
	// budget, as it is no longer small.
	bytes   int64
	counted bool
	// reserved is set while the slot is the permit's to give back: from TryAcquire to
	// Start.
	reserved bool
	released bool
}

// Start executes the run that the permit was acquired for; its row must be on disk. The
// permit is released when the execution has returned.
func (p *Permit) Start(x store.Execution) {
	p.mu.Lock()
	start := p.reserved && !p.released
	p.reserved = false
	p.mu.Unlock()
	if start {
		p.queue.runs.Start(leased{x, p})
	}
}

// Grow counts more bytes that the execution is about to load, and reports whether there
// is room for them. It does not wait for it, since the execution holds others already.
func (p *Permit) Grow(bytes int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.released {
		return false
	}
	more := bytes * budget.Copies
	switch {
	case p.counted:
		if p.queue.bytes.TryAcquire(p.environment, more) != nil {
			return false
		}
	case p.bytes+more > p.queue.small:
		if p.queue.bytes.TryAcquire(p.environment, p.bytes+more) != nil {
			return false
		}
		p.counted = true
	}
	p.bytes += more
	return true
}

// Release gives back what the permit stands for, and has runs that waited for it looked
// at. It may be called again, and then does nothing.
func (p *Permit) Release() {
	p.mu.Lock()
	released, reserved := p.released, p.reserved
	p.released, p.reserved = true, false
	p.mu.Unlock()
	if released {
		return
	}
	if reserved {
		p.queue.runs.Release()
	}
	p.queue.release(p)
}
