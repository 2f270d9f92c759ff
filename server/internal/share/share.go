// Package share divides the slots of a loop among those whose items it works on,
// such as environments, so that one whose items do not end leaves room for the
// others.
//
// Each may have twice as many items in flight as there are free slots: one alone
// gets two thirds of them, and whoever comes next always finds some.
package share

import "sync"

// Slots counts the items in flight of each. It may be used concurrently.
type Slots struct {
	count int

	mu       sync.Mutex
	total    int
	inFlight map[string]int
	// short is set when somebody could not have all that was asked for.
	short bool
}

// New returns slots of which all are free.
func New(count int) *Slots {
	return &Slots{count: count, inFlight: map[string]int{}}
}

// Take takes up to n slots for items of one, and returns how many it got.
func (s *Slots) Take(id string, n int) (taken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; taken < n; taken++ {
		free, has := s.count-s.total, s.inFlight[id]
		if free <= 0 || has > 0 && has >= 2*free {
			s.short = true
			break
		}
		s.total++
		s.inFlight[id]++
	}
	return taken
}

// Give gives n slots of one back. It reports whether somebody could not have all
// that was asked for since it last did.
func (s *Slots) Give(id string, n int) (wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total -= n
	if s.inFlight[id] -= n; s.inFlight[id] == 0 {
		delete(s.inFlight, id)
	}
	wanted, s.short = s.short && n > 0, s.short && n == 0
	return wanted
}
