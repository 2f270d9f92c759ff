package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
)

// Due is one of those that rows wait for, such as an environment or a destination.
type Due struct {
	// Of is who it is.
	Of string
	// At is when the first of its rows is due.
	At time.Time
}

// SplitDue returns those that are due by now, and when the first of the others is;
// the zero time if there is none.
func SplitDue(all []Due, now time.Time) (due []Due, next time.Time) {
	for _, d := range all {
		if !d.At.After(now) {
			due = append(due, d)
		} else if next.IsZero() || d.At.Before(next) {
			next = d.At
		}
	}
	return due, next
}

// dueBy returns those that rows of a table have in a column, with the first time in
// another column, of all rows that have such a time and that nobody has leased. It
// steps from one to the next, however many rows each has; there must be an index for
// that.
func (tx *Tx) dueBy(table, column, time string) ([]Due, error) {
	from := ` FROM ` + table + ` x WHERE x.` + time + ` IS NOT NULL AND x.lease_owner IS NULL`
	return collect(tx, `
		WITH RECURSIVE steps (step) AS (
			SELECT MIN(x.`+column+`)`+from+`
			UNION ALL
			SELECT (SELECT MIN(x.`+column+`)`+from+` AND x.`+column+` > steps.step) FROM steps WHERE steps.step IS NOT NULL
		)
		SELECT steps.step, (SELECT MIN(x.`+time+`)`+from+` AND x.`+column+` = steps.step) FROM steps WHERE steps.step IS NOT NULL`, nil,
		func(rows database.Rows) (d Due, err error) {
			var at int64
			err = rows.Scan(&d.Of, &at)
			d.At = timeOf(at)
			return d, err
		})
}
