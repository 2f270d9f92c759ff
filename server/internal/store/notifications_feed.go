package store

import (
	"fmt"
	"slices"
	"time"

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

// FeedLacks reports whether notifications of an environment have to get their positions
// before so many can be read after a position of its feed.
func (tx *Tx) FeedLacks(environmentID string, after int64, items int) (bool, error) {
	unplaced, err := tx.AnyUnplaced(environmentID)
	if err != nil || !unplaced {
		return false, err
	}
	placed, err := tx.count(`
		SELECT COUNT(*) FROM (
			SELECT 1 FROM notifications
			WHERE environment_id = $1 AND feed_position IS NOT NULL AND feed_position > $2 ORDER BY feed_position LIMIT $3) AS placed`,
		environmentID, after, items)
	return placed < items, err
}

// Placed is a notification with its position in the feed.
type Placed struct {
	model.Notification
	Position int64
}

// FeedPage is a page of a feed.
type FeedPage struct {
	// Items are the notifications, with their bodies.
	Items []Placed
	// Last is the position that was read up to.
	Last int64
	// More is set if there are more after it.
	More bool
}

// FeedFilter says which notifications of a feed to read.
type FeedFilter struct {
	// SubscriptionID, if not empty, is the only one whose notifications are read.
	SubscriptionID string
	// Ends has each end of a run read once, whoever is notified of it, or nobody.
	Ends bool
}

// wanted returns the condition on notifications that are read, whose parameters follow
// the arguments.
func (f FeedFilter) wanted(args []any) (string, []any) {
	switch {
	case f.Ends:
		return `body_id = id`, args // the body is kept under the id of the first one of the end
	case f.SubscriptionID != "":
		return fmt.Sprintf(`COALESCE(subscription_id, '') = $%d`, len(args)+1), append(args, f.SubscriptionID)
	}
	return `status <> '` + string(model.NotificationRecorded) + `'`, args
}

// Feed returns a page of the notifications of an environment that come after a position
// of its feed, in the order of the feed. Those that are not wanted are passed over: they
// count as items of the page, and not for its bytes.
func (tx *Tx) Feed(environmentID string, filter FeedFilter, after int64, page Page) (read FeedPage, err error) {
	wanted, args := filter.wanted([]any{environmentID, after})
	type item struct {
		Placed
		wanted bool
	}
	found, next, err := readPage(tx, listing[item]{
		columns: `feed_position, (` + wanted + `), ` + notificationColumns,
		from: `FROM notifications
			WHERE environment_id = $1 AND feed_position IS NOT NULL AND feed_position > $2 ORDER BY feed_position`,
		args: args, key: `CAST(feed_position AS TEXT)`,
		size: `CASE WHEN ` + wanted + ` THEN
			COALESCE((SELECT octet_length(b.body) FROM notification_bodies b WHERE b.id = notifications.body_id), 0) ELSE 0 END`,
		scan: func(rows database.Rows) (i item, err error) {
			i.Notification, err = scanNotification(prefixed{rows, []any{&i.Position, &i.wanted}})
			return i, err
		},
	}, page)
	read.Last = after
	if err != nil || len(found) == 0 {
		return read, err
	}
	read.Last, read.More = found[len(found)-1].Position, next != ""
	found = slices.DeleteFunc(found, func(i item) bool { return !i.wanted })
	bodies := make([]model.Notification, len(found))
	for i := range found {
		bodies[i] = found[i].Notification
	}
	err = tx.ReadBodies(bodies)
	for i := range found {
		read.Items = append(read.Items, Placed{bodies[i], found[i].Position})
	}
	return read, err
}

// prefixed scans other columns before the rest of a row.
type prefixed struct {
	database.Rows
	columns []any
}

// Scan implements [database.Rows].
func (p prefixed) Scan(destinations ...any) error {
	return p.Rows.Scan(append(p.columns, destinations...)...)
}

// FollowFeed notes that somebody reads the ends of all runs of an environment from its
// feed, until a time.
func (tx *Tx) FollowFeed(environmentID string, until time.Time) error {
	return tx.conn.Queue(`
		INSERT INTO notification_feeds (environment_id, last_position, followed_until) VALUES ($1, 0, $2)
		ON CONFLICT (environment_id) DO UPDATE SET followed_until = EXCLUDED.followed_until`,
		[]any{environmentID, micros(until)}, nil)
}

// FeedFollowed reports whether somebody reads the ends of all runs of an environment
// from its feed now.
func (tx *Tx) FeedFollowed(environmentID string) (bool, error) {
	_, found, err := first(tx, `SELECT environment_id FROM notification_feeds WHERE environment_id = $1 AND followed_until > $2`,
		[]any{environmentID, micros(tx.now)}, scanString)
	return found, err
}

// LastPosition returns the last position of an environment's feed that was given;
// 0 when none was.
func (tx *Tx) LastPosition(environmentID string) (int64, error) {
	last, err := tx.count(`SELECT last_position FROM notification_feeds WHERE environment_id = $1`, environmentID)
	return int64(last), err
}

var _ database.Rows = prefixed{}
