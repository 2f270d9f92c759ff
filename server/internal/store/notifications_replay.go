package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// ReplayFilter says which notifications to send again: those of a subscription or
// a destination, with a status, made from Since until before Until.
type ReplayFilter struct {
	SubscriptionID string
	Destination    string
	Status         model.NotificationStatus
	Since, Until   time.Time
}

// Replay starts the automatic schedule of notifications of an environment anew:
// up to limit of those that the filter names, from an id on. It returns how many,
// and the id to continue after; that is empty at the end. Status must be one that a
// replay starts from.
func (tx *Tx) Replay(environmentID string, filter ReplayFilter, after string, limit int) (replayed int, next string, err error) {
	after = max(after, model.FirstID(model.PrefixNotification, filter.Since))
	if !slices.Contains(model.NotificationReplayed.From, filter.Status) {
		return 0, "", fmt.Errorf("replay notifications that are %q: only %v can be", filter.Status, model.NotificationReplayed.From)
	}
	args := []any{environmentID, after, model.FirstID(model.PrefixNotification, filter.Until), limit}
	condition := ""
	if filter.SubscriptionID != "" {
		args = append(args, filter.SubscriptionID)
		condition += fmt.Sprintf(" AND subscription_id = $%d", len(args))
	}
	if filter.Destination != "" {
		args = append(args, filter.Destination)
		condition += fmt.Sprintf(" AND destination = $%d", len(args))
	}
	ids, err := collect(tx, `
		SELECT id FROM notifications
		WHERE environment_id = $1 AND status = '`+string(filter.Status)+`' AND id > $2 AND id < $3`+condition+`
		ORDER BY id LIMIT $4`, args, scanString)
	if err != nil || len(ids) == 0 {
		return 0, "", err
	}
	changed, err := tx.conn.Exec(`
		UPDATE notifications
		SET status = '`+string(model.NotificationReplayed.To)+`', scheduled_attempts = 0, scheduled_at = $1, due_at = $1, updated_at = $1
		WHERE id `+tx.conn.Dialect().InList("$2")+` AND lease_owner IS NULL AND status IN (`+quoted(model.NotificationReplayed.From)+`)`,
		micros(tx.now), jsonList(ids))
	if len(ids) == limit {
		next = ids[len(ids)-1]
	}
	return int(changed), next, err
}
