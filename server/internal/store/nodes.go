package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// AddNode records a server process that may lease rows until expires, by the shared
// clock.
func (tx *Tx) AddNode(id string, expires time.Time) error {
	_, err := tx.conn.Exec(`INSERT INTO nodes (id, expires_at) VALUES ($1, $2)`, id, micros(expires))
	return err
}

// RenewNode moves the end of a process's leases, by the shared clock, and records by
// how far the process's own clock is in front of that. It gives [model.ErrLeaseLost] when
// others have already given the process up.
func (tx *Tx) RenewNode(id string, expires time.Time, clockOffset time.Duration) error {
	changed, err := tx.conn.Exec(`UPDATE nodes SET expires_at = $1, clock_ahead_us = $2 WHERE id = $3`,
		micros(expires), clockOffset.Microseconds(), id)
	if err == nil && changed == 0 {
		return model.ErrLeaseLost
	}
	return err
}

// LostNodes returns the processes whose leases ran out by the shared clock. With others set, it
// returns every process but the named one, for a database that only one can
// have open.
func (tx *Tx) LostNodes(self string, others bool) ([]string, error) {
	if others {
		return collect(tx, `SELECT id FROM nodes WHERE id <> $1 ORDER BY id`, []any{self}, scanString)
	}
	now, err := tx.SharedNow()
	if err != nil {
		return nil, err
	}
	return collect(tx, `SELECT id FROM nodes WHERE id <> $1 AND expires_at < $2 ORDER BY id`+tx.conn.Dialect().SkipLocked,
		[]any{self, micros(now)}, scanString)
}

// ReleaseNode makes everything that a process had leased due again and removes
// the process.
func (tx *Tx) ReleaseNode(id string) error {
	for _, table := range leasedTables {
		if _, err := tx.release(table, `lease_owner = $1`, id); err != nil {
			return err
		}
	}
	if err := tx.NoteIdleLeases(id, nil); err != nil {
		return err
	}
	_, err := tx.conn.Exec(`DELETE FROM nodes WHERE id = $1`, id)
	return err
}
