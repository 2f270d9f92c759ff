package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/store/database"
)

// The components of package health that stand for the database.
const (
	// ReadsComponent fails while nothing can be read.
	ReadsComponent = "database reads"
	// WritesComponent fails while nothing can be written.
	WritesComponent = "database writes"
)

const (
	// fullFor is for how long writes count as failing after one found no room on the
	// disk: a smaller one may still find some.
	fullFor = 10 * time.Second
	// trustedFor is for how long a write that succeeded says that writes do.
	trustedFor = 5 * time.Second
)

// condition is what transactions have shown of the database.
type condition struct {
	clock         clock.Clock
	reads, writes *health.Component
	// wroteAt is when a transaction was committed last, fullAt when one found no room,
	// in microseconds since 1970; 0 for never.
	wroteAt, fullAt atomic.Int64
}

func newCondition(c clock.Clock, monitor *health.Monitor) *condition {
	return &condition{clock: c, reads: monitor.Component(ReadsComponent), writes: monitor.Component(WritesComponent)}
}

func (c *condition) read(err error) { report(c.reads, err) }

func (c *condition) written(err error) {
	report(c.writes, err)
	switch {
	case err == nil:
		c.wroteAt.Store(micros(c.clock.Now()))
	case errors.Is(err, database.ErrFull):
		c.fullAt.Store(micros(c.clock.Now()))
	}
}

// within reports whether a time was less than d ago.
func (c *condition) within(d time.Duration, at int64) bool {
	age := c.clock.Now().Sub(timeOf(at))
	return at != 0 && age >= 0 && age < d
}

// report notes what a transaction says of the database. What is the caller's own
// affair, such as an error of its function or a context that ended, says that the
// database works, or nothing.
func report(component *health.Component, err error) {
	switch {
	case err == nil:
		component.Succeeded()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, database.ErrUnavailable), errors.Is(err, database.ErrFull), errors.Is(err, database.ErrDamaged):
		component.Failed(err)
	}
}

// CheckWrites returns an error if transactions cannot be committed now. It relies on
// what the last ones have shown, and makes one of its own if there was none lately.
func (s *Store) CheckWrites(ctx context.Context) error {
	if s.condition.within(fullFor, s.condition.fullAt.Load()) {
		return database.ErrFull
	}
	if _, failing := s.condition.writes.Failure(); !failing && s.condition.within(trustedFor, s.condition.wroteAt.Load()) {
		return nil
	}
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.conn.Exec(`
			INSERT INTO settings (name, value) VALUES ('last_write_check', $1)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, tx.now.Format(time.RFC3339))
		return err
	})
}
