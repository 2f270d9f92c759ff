package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// waiting is what a notification is that is due, now or later, and that nobody
// has leased.
const waiting = `due_at IS NOT NULL AND lease_owner IS NULL`

// DueDestinations returns the destinations of all notifications that nobody has
// leased.
func (tx *Tx) DueDestinations() ([]Due, error) {
	return tx.dueBy("notifications", "destination", "due_at")
}

// NotificationClaim says which notifications to lease.
type NotificationClaim struct {
	// Owner is the process that leases them, Destination where they go.
	Owner, Destination string
	// Limit is how many are leased at the most.
	Limit int
	// Bytes is how many bytes their bodies have together at the most; one that has
	// more is still leased alone if it has at most FirstBytes. Notifications that share
	// a body count it each.
	Bytes, FirstBytes int64
}

// ClaimedNotifications are the notifications of a claim.
type ClaimedNotifications struct {
	// Notifications are without their bodies (see [Tx.ReadBodies]), which have so many
	// Bytes together.
	Notifications []model.Notification
	Bytes         int64
	// More is set if others were within the limit whose bodies did not fit. It is not
	// known of a claim that leased nothing.
	More bool
}

// ClaimNotifications leases due notifications, the longest due first.
func (tx *Tx) ClaimNotifications(claim NotificationClaim) (c ClaimedNotifications, err error) {
	const bodyBytes = `COALESCE((SELECT octet_length(b.body) FROM notification_bodies b WHERE b.id = body_id), 0)`
	picked := 0
	c.Notifications, err = collect(tx, tx.skipLockedClaim(`
			SELECT id, body_id, due_at FROM notifications
			WHERE `+waiting+` AND destination = $4 AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`,
		measured AS (
			SELECT id, ROW_NUMBER() OVER sooner AS place, SUM(`+bodyBytes+`) OVER sooner AS bytes
			FROM picked WINDOW sooner AS (ORDER BY due_at, id)
		)
		UPDATE notifications
		SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL, updated_at = $2
		WHERE id IN (SELECT id FROM measured WHERE bytes <= $5 OR place = 1 AND bytes <= $6)
		RETURNING (SELECT COUNT(*) FROM picked), `+bodyBytes+`, `+notificationColumns,
		[]any{claim.Owner, micros(tx.now), claim.Limit, claim.Destination, claim.Bytes, claim.FirstBytes},
		func(rows database.Rows) (n model.Notification, err error) {
			var bytes int64
			n, err = scanNotification(prefixed{rows, []any{&picked, &bytes}})
			c.Bytes += bytes
			return n, err
		})
	c.More = len(c.Notifications) < picked
	return c, err
}

// NextDueNotification returns when the next notification that nobody has leased
// is due, or the zero time if none is.
func (tx *Tx) NextDueNotification() (time.Time, error) {
	return tx.nextDue(`SELECT due_at FROM notifications WHERE ` + waiting + ` ORDER BY due_at LIMIT 1`)
}
