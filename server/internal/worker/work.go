package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// lookAround is how often a process compares what it has leased with what it
	// works on.
	lookAround = 10 * time.Second
	// looks is at how many looks in a row a row must be leased and not worked on
	// until it is released: between its claim and its work, or its work and what is
	// recorded of it, a row may be so for a moment.
	looks = 3
)

// work is what this process works on: leased rows, each as often as somebody does.
type work struct {
	mu   sync.Mutex
	rows map[worked]int
}

type worked struct {
	table store.LeasedTable
	id    string
}

// Working says that this process works on a leased row, until done is called, once.
// A row that is leased to it and that it does not work on is made due again after
// some time.
func (n *Node) Working(table store.LeasedTable, id string) (done func()) {
	key := worked{table, id}
	n.work.mu.Lock()
	defer n.work.mu.Unlock()
	if n.work.rows == nil {
		n.work.rows = map[worked]int{}
	}
	n.work.rows[key]++
	return func() {
		n.work.mu.Lock()
		defer n.work.mu.Unlock()
		if n.work.rows[key]--; n.work.rows[key] == 0 {
			delete(n.work.rows, key)
		}
	}
}

// idle returns those rows that nobody works on.
func (w *work) idle(leased []store.LeasedRow) []store.LeasedRow {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(leased, func(r store.LeasedRow) bool { return w.rows[worked{r.Table, r.ID}] > 0 })
}

// releaseIdle makes rows due again that are leased to this process and that it does
// not work on, until ctx ends. There are none but by a fault of the program.
func (n *Node) releaseIdle(ctx context.Context) {
	health := n.health.Component("idle leases")
	var seen suspects
	for pause := lookAround; n.sleep(ctx, pause); {
		err := panics.Catch(func() error { return n.lookAround(ctx, &seen) })
		pause = lookAround
		switch {
		case err == nil:
			health.Succeeded()
		case ctx.Err() == nil:
			pause = max(pause, health.Failed(fmt.Errorf("compare what is leased with what is worked on: %w", err)))
		}
	}
}

// sleep reports whether d has passed before ctx ended.
func (n *Node) sleep(ctx context.Context, d time.Duration) bool {
	for until := n.clock.Now().Add(d); ; {
		left := until.Sub(n.clock.Now())
		if left <= 0 || left > d {
			return ctx.Err() == nil
		}
		timer := n.clock.NewTimer(left)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// suspects are the rows that a process had leased and did not work on when it looked
// last.
type suspects struct {
	owner string
	// seen is at how many looks in a row.
	seen map[store.LeasedRow]int
}

// next moves on to what was idle at another look, and returns what was so at
// sufficiently many. changed is false when the suspects are those of before.
func (s *suspects) next(owner string, idle []store.LeasedRow) (release []store.LeasedRow, changed bool) {
	before := s.seen
	if s.owner != owner {
		before = nil
	}
	changed = len(before) != len(idle)
	s.owner, s.seen = owner, map[store.LeasedRow]int{}
	for _, row := range idle {
		times := before[row] + 1
		changed = changed || times == 1
		if times >= looks {
			release = append(release, row)
		}
		s.seen[row] = times
	}
	return release, changed
}

// lookAround compares once. What is idle is kept in the database, for runhook doctor.
func (n *Node) lookAround(ctx context.Context, seen *suspects) error {
	owner := n.ID()
	var leased []store.LeasedRow
	err := n.store.View(ctx, func(tx *store.Tx) (err error) {
		leased, err = tx.LeasedTo(owner)
		return err
	})
	if err != nil {
		return err
	}
	release, changed := seen.next(owner, n.work.idle(leased))
	if !changed && len(release) == 0 {
		return nil
	}
	var released []store.LeasedRow
	err = n.store.Update(ctx, func(tx *store.Tx) error {
		released = nil
		if err := tx.NoteIdleLeases(owner, seen.left(release)); err != nil {
			return err
		}
		for _, row := range release {
			was, err := tx.ReleaseLease(owner, row)
			if err != nil {
				return err
			}
			if was {
				released = append(released, row)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, row := range released {
		n.log.Error("a row was leased to this process, which did not work on it, and was made due again; please report this",
			"node", owner, "table", row.Table, "id", row.ID)
	}
	if len(released) > 0 {
		n.onReleased()
	}
	return nil
}

// left returns the suspects without those that are released, in order.
func (s *suspects) left(released []store.LeasedRow) []store.LeasedRow {
	var left []store.LeasedRow
	for row := range s.seen {
		if !slices.Contains(released, row) {
			left = append(left, row)
		}
	}
	slices.SortFunc(left, store.CompareLeasedRows)
	return left
}
