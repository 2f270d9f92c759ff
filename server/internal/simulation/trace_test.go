package simulation

import (
	"fmt"
	"hash/fnv"
	"io"
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

// sum is the same for traces that are the same.
func (t *trace) sum() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := fnv.New64a()
	for _, line := range t.lines {
		_, _ = io.WriteString(hash, line+"\n")
	}
	return hash.Sum64()
}
