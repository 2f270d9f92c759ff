package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/store/database"
)

// sharedClock returns the clock that [Tx.SharedNow] reads, or nil for the database's.
func sharedClock(options Options, dialect database.Dialect) clock.Clock {
	if options.SharedClock == nil && dialect.Clock == "" {
		return options.Clock
	}
	return options.SharedClock
}

// SharedNow returns the time by the clock that all processes on this database share:
// on PostgreSQL the database server's, read now, which costs a round trip; on SQLite
// this process's. Whatever one process writes for others to compare with the time,
// such as the end of a lease, and whatever cannot be undone if the time is wrong, is by
// this clock. Due times are by [Tx.Now].
func (tx *Tx) SharedNow() (time.Time, error) {
	if tx.shared != nil {
		return tx.shared.Now(), nil
	}
	now, _, err := first(tx, `SELECT `+tx.conn.Dialect().Clock, nil, func(rows database.Rows) (us int64, err error) {
		err = rows.Scan(&us)
		return us, err
	})
	return timeOf(now), err
}
