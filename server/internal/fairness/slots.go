// Package fairness divides the slots of a loop among groups of items, such as
// environments, so that a group whose items hang leaves room for the others.
//
// A group is saturated when it has twice as many items in flight as there are free
// slots: one group alone gets two thirds of all slots, and the next group always finds
// some free. [InFlight] is the rule, [Slots] applies it to groups of one kind, and
// [Divide] gives the groups equal parts of what there is at one moment.
package fairness

import "sync"

// Slots are the slots of a loop, of which groups take some. It may be used
// concurrently.
type Slots struct {
	count int

	mu       sync.Mutex
	total    int
	inFlight InFlight
	// short is set when a group could not have all that it asked for.
	short bool
}

// New returns slots of which all are free.
func New(count int) *Slots {
	return &Slots{count: count, inFlight: InFlight{}}
}

// TryAcquire takes up to n slots for items of a group, and returns how many it got.
func (s *Slots) TryAcquire(group string, n int) (taken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; taken < n; taken++ {
		free := s.count - s.total
		if free <= 0 || s.inFlight.Saturated(group, free) {
			s.short = true
			break
		}
		s.total++
		s.inFlight.Add(group)
	}
	return taken
}

// Release gives n slots of a group back. It reports whether a group could not have all
// that it asked for since Release last reported that.
func (s *Slots) Release(group string, n int) (wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total -= n
	s.inFlight.removeAll(group, n)
	wanted, s.short = s.short && n > 0, s.short && n == 0
	return wanted
}
