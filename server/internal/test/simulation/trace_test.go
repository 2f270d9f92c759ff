package simulation

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// trace is what happened in a simulation, in order, without what differs from one
// process to the next, such as ids. It may be used concurrently.
type trace struct {
	began time.Time
	mu    sync.Mutex
	lines []string
	ended bool
}

func newTrace() *trace { return &trace{} }

// begin says that the simulation begins now.
func (t *trace) begin() { t.began = time.Now() }

// add notes what happens now.
func (t *trace) add(what ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	t.lines = append(t.lines, fmt.Sprintf("%v %s", time.Since(t.began), fmt.Sprint(what...)))
}

// end has the trace take nothing more.
func (t *trace) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
}

// compare fails the test unless exactly the same happened again.
func (t *trace) compare(test *testing.T, again *trace) {
	test.Helper()
	same := 0
	for same < min(len(t.lines), len(again.lines)) && t.lines[same] == again.lines[same] {
		same++
	}
	if same < max(len(t.lines), len(again.lines)) {
		test.Errorf("a replay is the same for %d of %d events, then come %q and %q", same, len(t.lines), t.from(same), again.from(same))
	}
	test.Logf("%d events, of which a replay has the same %d", len(t.lines), same)
}

// from returns the event with the index and the one that follows.
func (t *trace) from(index int) []string {
	return t.lines[min(index, len(t.lines)):min(index+2, len(t.lines))]
}
