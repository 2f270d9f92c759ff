package cron

import "math/bits"

// set is a set of the numbers from 0 to 63.
type set uint64

func (s set) has(n int) bool { return s&(1<<n) != 0 }

func (s *set) add(n int) { *s |= 1 << n }

// from returns the least number in s that is not less than n.
func (s set) from(n int) (int, bool) {
	rest := s >> n << n
	return bits.TrailingZeros64(uint64(rest)), rest != 0
}

// all returns the set of everything that a field may hold.
func all(f field) (s set) {
	for n := f.least; n <= f.most; n++ {
		s.add(n)
	}
	return s
}
