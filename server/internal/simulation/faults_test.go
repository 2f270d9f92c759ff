package simulation

import (
	"math/rand/v2"
	"sync"
	"time"
)

// faults decides what goes wrong. It may be used concurrently.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	// ceased is set at the end, so that everything can come to rest.
	ceased   bool
	requests int
}

func newFaults(seed uint64) *faults {
	return &faults{random: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// requestFault is what goes wrong with a request.
type requestFault struct {
	delay      time.Duration
	lost       bool
	unanswered bool
	twice      bool
}

// request decides about a request.
func (f *faults) request() requestFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	fault := requestFault{delay: time.Duration(1+f.random.IntN(20)) * time.Millisecond}
	if f.ceased {
		return fault
	}
	switch roll := f.random.IntN(100); {
	case roll < 5:
		fault.lost = true
	case roll < 10:
		fault.unanswered = true
	case roll < 13:
		fault.twice = true
	case roll < 18:
		fault.delay = time.Duration(f.random.IntN(20_000)) * time.Millisecond
	}
	return fault
}

// oneIn reports true once in n times, and never when the faults have ceased.
func (f *faults) oneIn(n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.ceased && f.random.IntN(n) == 0
}

// below returns a number from 0 to n-1.
func (f *faults) below(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(n)
}

// cease ends all faults.
func (f *faults) cease() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ceased = true
}
