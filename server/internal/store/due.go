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

// distinct returns the different values that a column has in the rows of a table which
// meet a condition, in order.
func (tx *Tx) distinct(table, column, condition string, args ...any) ([]string, error) {
	return collect(tx, skipScan(table, column, condition)+` SELECT step FROM steps WHERE step IS NOT NULL`, args, scanString)
}

// dueBy returns those that rows of a table have in a column, with the first time in
// another column, of all rows that have such a time and that nobody has leased.
func (tx *Tx) dueBy(table, column, time string) ([]Due, error) {
	condition := time + ` IS NOT NULL AND lease_owner IS NULL`
	return collect(tx, skipScan(table, column, condition)+`
		SELECT steps.step, (SELECT MIN(`+time+`) FROM `+table+` WHERE `+condition+` AND `+column+` = steps.step)
		FROM steps WHERE steps.step IS NOT NULL`, nil,
		func(rows database.Rows) (d Due, err error) {
			var at int64
			err = rows.Scan(&d.Of, &at)
			d.At = timeOf(at)
			return d, err
		})
}

// skipScan begins a statement that knows the different values of a column, in the rows
// of a table which meet a condition, as the column step of steps, in order and with a
// null at the end. It steps from one to the next, however many rows each has; there must
// be an index for that.
func skipScan(table, column, condition string) string {
	least := `SELECT MIN(` + column + `) FROM ` + table + ` WHERE ` + condition
	return `
		WITH RECURSIVE steps (step) AS (
			` + least + `
			UNION ALL
			SELECT (` + least + ` AND ` + column + ` > steps.step) FROM steps WHERE steps.step IS NOT NULL
		)`
}
