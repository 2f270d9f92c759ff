package simulation

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// gate lets one thing happen at a time, in an order that the seed decides. Code that
// is about to do what others can notice, such as a transaction or the delivery of a
// request, passes through it first, under a name. Only when everything else stands
// still does the gate let someone pass, and then no one until all that follows from
// it stands still, too. So it does not matter in which order Go runs what is due at
// the same moment, as long as names distinguish those who wait for the same moment.
//
// No two pass at the same moment of virtual time: what they start, such as timers,
// ends at different moments as well.
type gate struct {
	faults *faults
	trace  *trace
	quit   chan struct{}
	done   chan struct{}
	// sooner signals the gate that someone waits for less time than it does.
	sooner chan struct{}

	mu      sync.Mutex
	waiting []*passage
	// until is when the gate looks again by itself; the zero time for never.
	until time.Time
}

// passage is someone who waits at the gate.
type passage struct {
	name string
	due  time.Time
	// rank decides between those that are due at the same moment.
	rank uint64
	// detail, if not nil, says more about someone whom the name does not distinguish from
	// another. Without it, both have the same to do, such as to read the same, and
	// may go together.
	detail func() string
	open   chan struct{}
}

func openGate(f *faults, t *trace) *gate {
	g := &gate{faults: f, trace: t, quit: make(chan struct{}), done: make(chan struct{}), sooner: make(chan struct{}, 1)}
	go g.run()
	return g
}

// close ends the gate, at which no one may wait any more.
func (g *gate) close() {
	close(g.quit)
	<-g.done
}

// pass waits until something may happen, not before the time it is due at. It fails
// if ctx ends first.
func (g *gate) pass(ctx context.Context, name string, due time.Time) error {
	return g.wait(ctx, &passage{name: name, due: due})
}

// soon passes after a moment, which is not longer than longest. detail may be nil.
func (g *gate) soon(ctx context.Context, name string, longest time.Duration, detail func() string) error {
	now := time.Now()
	moment := g.faults.rank(name, now) % uint64(longest.Microseconds())
	return g.wait(ctx, &passage{name: name, due: now.Add(time.Duration(moment) * time.Microsecond), detail: detail})
}

func (g *gate) wait(ctx context.Context, p *passage) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.rank, p.open = g.faults.rank(p.name, p.due), make(chan struct{})
	g.enter(p)
	select {
	case <-p.open:
	case <-ctx.Done():
		if g.leave(p) {
			return ctx.Err()
		}
	}
	return nil
}

// sleep passes after a while.
func (g *gate) sleep(name string, d time.Duration) {
	_ = g.pass(context.Background(), name, time.Now().Add(d)) // nothing ends the wait
}

func (g *gate) enter(p *passage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, p)
	if g.until.IsZero() || p.due.Before(g.until) {
		select {
		case g.sooner <- struct{}{}:
		default:
		}
	}
}

// leave takes someone away who does not wait any more, and reports false if the
// gate has let him go.
func (g *gate) leave(p *passage) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := slices.Index(g.waiting, p)
	if at < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, at, at+1)
	return true
}

// run lets one after the other go.
func (g *gate) run() {
	defer close(g.done)
	for {
		synctest.Wait()
		due := alone(g.next())
		for _, p := range due {
			g.leave(p)
			g.trace.add(p.name)
		}
		for _, p := range due {
			close(p.open)
		}
		if len(due) > 0 {
			// The next one passes at another moment.
			time.Sleep(time.Nanosecond)
		} else if !g.idle() {
			return
		}
	}
}

// next returns who may pass now; no one if none is due. It is more than one
// if their names do not distinguish them.
func (g *gate) next() (due []*passage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Time{}
	if len(g.waiting) == 0 {
		return nil
	}
	first := slices.MinFunc(g.waiting, func(a, b *passage) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.rank, b.rank))
	})
	if first.due.After(time.Now()) {
		g.until = first.due
		return nil
	}
	for _, p := range g.waiting {
		if p.due.Equal(first.due) && p.name == first.name {
			due = append(due, p)
		}
	}
	return due
}

// alone returns one of those whose names are the same, or all if they may go
// together.
func alone(same []*passage) []*passage {
	if len(same) < 2 || same[0].detail == nil {
		return same
	}
	got := map[*passage]string{}
	for _, p := range same {
		got[p] = p.detail()
	}
	first := slices.MinFunc(same, func(a, b *passage) int { return cmp.Compare(got[a], got[b]) })
	return []*passage{first}
}

// idle waits until someone may be due. It returns false when the gate is closed.
func (g *gate) idle() bool {
	g.mu.Lock()
	until := g.until
	g.mu.Unlock()
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-g.sooner:
	case <-g.quit:
		return false
	}
	return true
}
