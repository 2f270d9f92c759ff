package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// waiting is what a notification is that is due, now or later, and that nobody
// has leased.
const waiting = `due_at IS NOT NULL AND lease_owner IS NULL`

// DueDestinations returns the destinations of all notifications that nobody has
// leased.
func (tx *Tx) DueDestinations() ([]Due, error) {
	return tx.dueBy("notifications", "destination", "due_at")
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
