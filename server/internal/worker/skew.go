package worker

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/store"
)

// SkewError says that the clock of this process differs too much from the database's.
type SkewError struct {
	// Server and Database are what both clocks showed at the same moment.
	Server, Database time.Time
	// Ahead is by how much that of this process is ahead at least; less than zero for
	// behind.
	Ahead time.Duration
}

// Error names both times, the difference and the remedy.
func (e *SkewError) Error() string {
	direction := "ahead of"
	if e.Ahead < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the clock of this server shows %s and that of the database %s: it is %v %s it, and at most %v are allowed; "+
		"have the clocks of both machines synchronised (NTP)",
		e.Server.Format(time.RFC3339Nano), e.Database.Format(time.RFC3339Nano), e.Ahead.Abs().Round(time.Millisecond), direction, store.MaximumClockSkew)
}

// reading is what the clocks of this process and of the database showed: before and
// after are of this process, around the reading of the shared one.
type reading struct{ before, shared, after time.Time }

func (n *Node) readClocks(tx *store.Tx) (r reading, err error) {
	r.before = n.clock.Now()
	r.shared, err = tx.SharedNow()
	r.after = n.clock.Now()
	return r, err
}

// ahead returns by how much the clock of this process is ahead of the shared one, at
// least: how long the reading took says nothing of the skew.
func (r *reading) ahead() time.Duration {
	switch {
	case r.before.After(r.shared):
		return r.before.Sub(r.shared)
	case r.after.Before(r.shared):
		return r.after.Sub(r.shared)
	}
	return 0
}

// check returns a [*SkewError] if the clocks differ by more than they may.
func (r *reading) check() error {
	ahead := r.ahead()
	if ahead.Abs() <= store.MaximumClockSkew {
		return nil
	}
	return &SkewError{Server: r.shared.Add(ahead), Database: r.shared, Ahead: ahead}
}

// anyClock has nothing against the clock of a process that has work already.
func anyClock(*reading) error { return nil }

// noteSkew reports the result of [reading.check].
func (n *Node) noteSkew(err error) {
	if err == nil {
		n.clocks.Succeeded()
		return
	}
	n.clocks.Failed(err)
}
