package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// AddNode records a server process that may lease rows until expires.
func (tx *Tx) AddNode(id string, expires time.Time) error {
	_, err := tx.conn.Exec(`INSERT INTO nodes (id, started_at, expires_at) VALUES ($1, $2, $3)`,
		id, micros(tx.now), micros(expires))
	return err
}

// RenewNode moves the end of a process's leases. It gives [model.ErrLost] when
// others have already given the process up.
func (tx *Tx) RenewNode(id string, expires time.Time) error {
	changed, err := tx.conn.Exec(`UPDATE nodes SET expires_at = $1 WHERE id = $2`, micros(expires), id)
	if err == nil && changed == 0 {
		return model.ErrLost
	}
	return err
}

// LostNodes returns the processes whose leases ran out. With others set, it
// returns every process but the named one, for a database that only one can
// have open.
func (tx *Tx) LostNodes(self string, others bool) ([]string, error) {
	query, args := `SELECT id FROM nodes WHERE id <> $1 AND expires_at < $2 ORDER BY id`+tx.conn.Dialect().SkipLocked, []any{self, micros(tx.now)}
	if others {
		query, args = `SELECT id FROM nodes WHERE id <> $1 ORDER BY id`, []any{self}
	}
	return collect(tx, query, args, scanString)
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
