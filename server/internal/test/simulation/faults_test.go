package simulation

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"
)

// faults decides what goes wrong. Each decision is a hash of the seed, the name of
// what it is about, and how often it was made about that. So it does not depend on
// the order in which unrelated things happen, which is not always the same. It may
// be used concurrently.
type faults struct {
	seed uint64
	mu   sync.Mutex
	// made counts the decisions about each name.
	made map[uint64]int
	// ceased is set at the end, so that everything can come to rest.
	ceased bool
}

func newFaults(seed uint64) *faults { return &faults{seed: seed, made: map[uint64]int{}} }

// about returns the source of the next decision about what has the name.
func (f *faults) about(name string) *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name))
	about := hash.Sum64()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made[about]++
	return rand.New(rand.NewPCG(f.seed^uint64(f.made[about])<<32, about))
}

// rank says who is first of those that are due at the same moment.
func (f *faults) rank(name string, due time.Time) uint64 {
	hash := fnv.New64a()
	_, _ = fmt.Fprint(hash, f.seed, due.UnixNano(), name)
	return hash.Sum64()
}

func (f *faults) haveCeased() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ceased
}

// below returns a number from 0 to n-1.
func (f *faults) below(name string, n int) int { return f.about(name).IntN(n) }

// upTo returns a time that is not longer than longest, to the microsecond.
func (f *faults) upTo(name string, longest time.Duration) time.Duration {
	return time.Duration(f.about(name).Int64N(longest.Microseconds())) * time.Microsecond
}

// oneIn reports true once in n times, and never when the faults have ceased.
func (f *faults) oneIn(name string, n int) bool {
	return f.below(name, n) == 0 && !f.haveCeased()
}

// cease ends all faults.
func (f *faults) cease() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ceased = true
}

// requestFault is what goes wrong with a request.
type requestFault struct {
	delay      time.Duration
	lost       bool
	unanswered bool
	twice      bool
}

// request decides about a request.
func (f *faults) request(name string) requestFault {
	random := f.about(name)
	fault := requestFault{delay: time.Millisecond + time.Duration(random.IntN(20_000))*time.Microsecond}
	if f.haveCeased() {
		return fault
	}
	switch roll := random.IntN(100); {
	case roll < 5:
		fault.lost = true
	case roll < 10:
		fault.unanswered = true
	case roll < 13:
		fault.twice = true
	case roll < 18:
		fault.delay = time.Duration(random.IntN(20_000_000)) * time.Microsecond
	}
	return fault
}

func (f requestFault) String() string {
	switch {
	case f.lost:
		return "lost"
	case f.unanswered:
		return "unanswered"
	case f.twice:
		return "twice"
	}
	return ""
}
