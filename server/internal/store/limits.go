package store

import (
	"math"
	"slices"

	"github.com/runhook/runhook/server/internal/store/database"
)

// SetConcurrencyLimit records how many executions that share a key may be in
// flight at once. Runs that waited for room get what the new limit gives them.
func (tx *Tx) SetConcurrencyLimit(environmentID, key string, maximum int) error {
	_, err := tx.conn.Exec(`
		INSERT INTO concurrency_limits (key, environment_id, maximum) VALUES ($1, $2, $3)
		ON CONFLICT (key) DO UPDATE SET maximum = excluded.maximum`, key, environmentID, maximum)
	if err != nil {
		return err
	}
	return tx.unpark(key, maximum)
}

// rooms says how many more executions each limit has room for.
type rooms map[string]int

// roomsFor counts the room under the limits of runs that are due. The rows of the
// limits stay locked until the transaction ends, so that two processes do not
// give away the same room; they are locked in one order, so that two processes
// do not wait for each other.
func (tx *Tx) roomsFor(due []DueRun) (rooms, error) {
	var keys []string
	for _, run := range due {
		if run.limitKey != "" {
			keys = append(keys, run.limitKey)
		}
	}
	slices.Sort(keys)
	free := rooms{}
	for _, key := range slices.Compact(keys) {
		room, err := tx.roomUnder(key)
		if err != nil {
			return nil, err
		}
		free[key] = room
	}
	return free, nil
}

// has reports whether there is room under the key.
func (r rooms) has(key string) bool { return key == "" || r[key] > 0 }

// take takes room under the key.
func (r rooms) take(key string) {
	if key != "" {
		r[key]--
	}
}

func (tx *Tx) roomUnder(key string) (int, error) {
	maximum, limited, err := first(tx, `SELECT maximum FROM concurrency_limits WHERE key = $1`+tx.conn.Dialect().ForUpdate,
		[]any{key}, func(rows database.Rows) (n int, err error) {
			err = rows.Scan(&n)
			return n, err
		})
	if err != nil {
		return 0, err
	}
	if !limited {
		return math.MaxInt, nil
	}
	inFlight, err := tx.count(`SELECT COUNT(*) FROM runs WHERE limit_key = $1 AND lease_owner IS NOT NULL`, key)
	return maximum - inFlight, err
}

// park has due runs wait for room under their limits.
func (tx *Tx) park(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return tx.conn.Queue(`UPDATE runs SET parked = TRUE, due_at = NULL WHERE id `+tx.conn.Dialect().InList("$1"),
		[]any{jsonList(ids)}, nil)
}

// unpark makes the first runs that wait for room under a key due again. More may
// be made due than there is room for: the rest is parked once more. The limit's
// row is locked first, so that no other process parks a run because of the room
// that is being made; a run that somebody has locked is waited for, as it may go
// on waiting for room afterwards, or be canceled and leave it to the next.
func (tx *Tx) unpark(key string, runs int) error {
	if key == "" {
		return nil
	}
	lock := tx.conn.Dialect().ForUpdate
	if lock != "" {
		if err := tx.conn.Queue(`SELECT maximum FROM concurrency_limits WHERE key = $1`+lock, []any{key}, nil); err != nil {
			return err
		}
	}
	return tx.conn.Queue(`
		WITH waiting AS MATERIALIZED (
			SELECT id FROM runs WHERE limit_key = $1 AND parked ORDER BY priority, id LIMIT $2`+lock+`)
		UPDATE runs SET parked = FALSE, due_at = created_at
		WHERE parked AND id IN (SELECT id FROM waiting)`,
		[]any{key, runs}, nil)
}
