package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// waiting is what a notification is that is due, now or later, and that nobody
// has leased.
const waiting = `due_at IS NOT NULL AND lease_owner IS NULL`

// DueDestination is a destination that notifications wait for.
type DueDestination struct {
	Destination string
	// DueAt is when the first of them is due.
	DueAt time.Time
}

// DueDestinations returns the destinations of all notifications that nobody has
// leased. It steps from one destination to the next, however many notifications
// each has.
func (tx *Tx) DueDestinations() ([]DueDestination, error) {
	return collect(tx, `
		WITH RECURSIVE steps (destination) AS (
			SELECT MIN(destination) FROM notifications WHERE `+waiting+`
			UNION ALL
			SELECT (SELECT MIN(n.destination) FROM notifications n
			        WHERE n.due_at IS NOT NULL AND n.lease_owner IS NULL AND n.destination > steps.destination)
			FROM steps WHERE steps.destination IS NOT NULL
		)
		SELECT steps.destination, (SELECT MIN(n.due_at) FROM notifications n
		                       WHERE n.due_at IS NOT NULL AND n.lease_owner IS NULL AND n.destination = steps.destination)
		FROM steps WHERE steps.destination IS NOT NULL`, nil,
		func(rows database.Rows) (d DueDestination, err error) {
			var due int64
			err = rows.Scan(&d.Destination, &due)
			d.DueAt = timeOf(due)
			return d, err
		})
}

// ClaimNotifications leases up to limit due notifications to a destination to a
// process, the longest due first. Their bodies are read by [Tx.ReadBodies].
func (tx *Tx) ClaimNotifications(owner, destination string, limit int) ([]model.Notification, error) {
	return collect(tx, tx.pick(`
			SELECT id FROM notifications
			WHERE `+waiting+` AND destination = $4 AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE notifications
		SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL, updated_at = $2
		WHERE id IN (SELECT id FROM picked)
		RETURNING `+notificationColumns, []any{owner, micros(tx.now), limit, destination}, scanNotification)
}

// NextDueNotification returns when the next notification that nobody has leased
// is due, or the zero time if none is.
func (tx *Tx) NextDueNotification() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM notifications WHERE ` + waiting + ` ORDER BY due_at LIMIT 1`)
}
