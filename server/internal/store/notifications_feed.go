package store

import (
	"fmt"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// PlaceNotifications gives up to limit notifications of an environment that have
// none their positions in its feed, the oldest first, and returns how many it gave.
//
// Positions are given one transaction after the other, and never to what is not
// committed yet. So whoever has read up to a position has seen all that there ever
// will be up to it.
func (tx *Tx) PlaceNotifications(environmentID string, limit int) (int, error) {
	if _, err := tx.conn.Exec(`
		INSERT INTO notification_feeds (environment_id, last_position) VALUES ($1, 0) ON CONFLICT (environment_id) DO NOTHING`, environmentID); err != nil {
		return 0, err
	}
	last, found, err := first(tx, `SELECT last_position FROM notification_feeds WHERE environment_id = $1`+tx.conn.Dialect().ForUpdate,
		[]any{environmentID}, func(rows database.Rows) (last int64, err error) {
			err = rows.Scan(&last)
			return last, err
		})
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, fmt.Errorf("the feed of environment %s is gone", environmentID)
	}
	placed, err := tx.conn.Exec(`
		WITH picked AS MATERIALIZED (
			SELECT id, row_number() OVER (ORDER BY id) AS place
			FROM (SELECT id FROM notifications WHERE environment_id = $1 AND feed_position IS NULL ORDER BY id LIMIT $2`+tx.conn.Dialect().ForUpdate+`) AS unplaced
		)
		UPDATE notifications SET feed_position = $3 + picked.place FROM picked WHERE notifications.id = picked.id`,
		environmentID, limit, last)
	if err != nil || placed == 0 {
		return 0, err
	}
	_, err = tx.conn.Exec(`UPDATE notification_feeds SET last_position = $1 WHERE environment_id = $2`, last+placed, environmentID)
	return int(placed), err
}

// AnyUnplaced reports whether an environment has notifications without a position
// in its feed.
func (tx *Tx) AnyUnplaced(environmentID string) (bool, error) {
	_, found, err := first(tx, `SELECT id FROM notifications WHERE environment_id = $1 AND feed_position IS NULL ORDER BY id LIMIT 1`,
		[]any{environmentID}, scanString)
	return found, err
}

// Placed is a notification with its position in the feed.
type Placed struct {
	model.Notification
	Position int64
}

// Feed returns up to limit notifications of an environment that come after a
// position of its feed, in the order of the feed.
func (tx *Tx) Feed(environmentID string, after int64, limit int) ([]Placed, error) {
	var positions []int64
	found, err := collect(tx, `
		SELECT feed_position, `+notificationColumns+` FROM notifications
		WHERE environment_id = $1 AND feed_position IS NOT NULL AND feed_position > $2 ORDER BY feed_position LIMIT $3`,
		[]any{environmentID, after, limit}, func(rows database.Rows) (model.Notification, error) {
			var position int64
			n, err := scanNotification(positioned{rows, &position})
			positions = append(positions, position)
			return n, err
		})
	if err == nil {
		err = tx.ReadBodies(found)
	}
	if err != nil {
		return nil, err
	}
	placed := make([]Placed, len(found))
	for i, n := range found {
		placed[i] = Placed{n, positions[i]}
	}
	return placed, nil
}

// positioned scans a position before the rest of a row.
type positioned struct {
	database.Rows
	position *int64
}

// Scan implements [database.Rows].
func (p positioned) Scan(destinations ...any) error {
	return p.Rows.Scan(append([]any{p.position}, destinations...)...)
}

// LastPosition returns the last position of an environment's feed that was given;
// 0 when none was.
func (tx *Tx) LastPosition(environmentID string) (int64, error) {
	last, err := tx.count(`SELECT last_position FROM notification_feeds WHERE environment_id = $1`, environmentID)
	return int64(last), err
}

var _ database.Rows = positioned{}
