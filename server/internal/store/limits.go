package store

import (
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

// rooms counts, within one transaction, how many more executions each limit has
// room for. The rows of the limits it meets stay locked, so that two processes do
// not give away the same room.
type rooms struct {
	tx   *Tx
	free map[string]int
}

// take reports whether there is room under the key, and takes it.
func (r *rooms) take(key string) (bool, error) {
	if key == "" {
		return true, nil
	}
	free, known := r.free[key]
	if !known {
		var err error
		if free, err = r.tx.roomUnder(key); err != nil {
			return false, err
		}
		if r.free == nil {
			r.free = map[string]int{}
		}
	}
	if free <= 0 {
		r.free[key] = 0
		return false, nil
	}
	r.free[key] = free - 1
	return true, nil
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
		return 1, nil // nothing says how many, so nothing forbids this one
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
// be made due than there is room for: the rest is parked once more.
func (tx *Tx) unpark(key string, runs int) error {
	if key == "" {
		return nil
	}
	return tx.conn.Queue(`
		UPDATE runs SET parked = FALSE, due_at = created_at
		WHERE parked AND id IN (SELECT id FROM runs WHERE limit_key = $1 AND parked ORDER BY priority, id LIMIT $2)`,
		[]any{key, runs}, nil)
}
