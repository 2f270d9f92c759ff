package simulation

import (
	"fmt"
	"sync"
	"time"
)

// trace is what happened in a simulation, in order, without what differs from one
// process to the next, such as ids. It may be used concurrently.
type trace struct {
	began time.Time
	mu    sync.Mutex
	lines []string
}

func newTrace() *trace { return &trace{began: time.Now()} }

// add notes what happens now.
func (t *trace) add(what ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf("%v %s", time.Since(t.began), fmt.Sprint(what...)))
}

// agrees returns how many events are the same before the first that is not.
func (t *trace) agrees(other *trace) int {
	for i, line := range t.lines {
		if i == len(other.lines) || line != other.lines[i] {
			return i
		}
	}
	return len(t.lines)
}

// from returns the event with the index and the one that follows.
func (t *trace) from(index int) []string {
	return t.lines[min(index, len(t.lines)):min(index+2, len(t.lines))]
}
