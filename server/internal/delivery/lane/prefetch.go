package lane

import "slices"

// Prefetch returns how many items of the destination may be prefetched: none unless it
// answers quickly and has no limit on how many may begin in a second. room is for how
// many more there is room.
func (l *Lanes[T]) Prefetch(destination string) (allowed, room int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to(destination)
	allowed = l.prefetch(to)
	return allowed, max(0, min(allowed-len(to.prefetched), mostPrefetched-l.prefetched))
}

func (l *Lanes[T]) prefetch(to *lane[T]) int {
	if to.limits.PerSecond > 0 || to.breaker.state != closed || l.clock.Now().Before(to.breaker.until) {
		return 0
	}
	return to.quick
}

// Put adds items to what is prefetched for a destination.
func (l *Lanes[T]) Put(destination string, items []T) {
	if len(items) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to(destination)
	to.prefetched = append(to.prefetched, items...)
	l.prefetched += len(items)
}

// Begin takes up to n prefetched items of a destination that may begin now, with room
// for each as by [Lanes.Acquire]. low is set if it is worth to claim more: nearly all are
// taken, or some could not begin.
func (l *Lanes[T]) Begin(destination string, n int) (items []T, low bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to(destination)
	items = l.take(to, l.acquire(to, min(n, len(to.prefetched))))
	left := len(to.prefetched)
	return items, to.backlog && left <= l.prefetch(to)/2 || left > 0 && len(items) == 0
}

// TakeAll takes all prefetched items of a destination, to be given back.
func (l *Lanes[T]) TakeAll(destination string) []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.to(destination)
	return l.take(to, len(to.prefetched))
}

func (l *Lanes[T]) take(to *lane[T], n int) []T {
	items := slices.Clone(to.prefetched[:n])
	clear(to.prefetched[:n]) // or the rest would keep what they hold in memory
	if to.prefetched = to.prefetched[n:]; len(to.prefetched) == 0 {
		to.prefetched = nil
	}
	l.prefetched -= n
	return items
}

// Prefetched returns the destinations for which items are prefetched, in order.
func (l *Lanes[T]) Prefetched() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for destination, to := range l.lanes {
		if len(to.prefetched) > 0 {
			all = append(all, destination)
		}
	}
	slices.Sort(all)
	return all
}
