package store

import (
	"slices"
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

// leasedTables are the tables whose rows processes lease.
var leasedTables = slices.Concat([]string{"runs", "tasks"}, queues, datedQueues)

// queues have a due time and nothing else to restore when a lease is released;
// datedQueues also tell when they last changed.
var (
	queues      = []string{"events", "schedules", "event_waits"}
	datedQueues = []string{"notifications", "endpoint_indexes", "source_deliveries"}
)

// ReleaseNode makes everything that a process had leased due again and removes
// the process.
func (tx *Tx) ReleaseNode(id string) error {
	now := micros(tx.now)
	// Whatever ran under a limit makes room.
	if _, err := tx.conn.Exec(`
		UPDATE runs SET parked = FALSE, due_at = created_at
		WHERE parked AND limit_key IN (SELECT limit_key FROM runs WHERE lease_owner = $1)`, id); err != nil {
		return err
	}
	if _, err := tx.conn.Exec(`
		UPDATE runs SET status = '`+string(model.RunReleased.To)+`', lease_owner = NULL, due_at = created_at, priority = 0, updated_at = $2
		WHERE lease_owner = $1 AND status IN (`+quoted(model.RunReleased.From)+`)`, id, now); err != nil {
		return err
	}
	if _, err := tx.conn.Exec(`UPDATE tasks SET lease_owner = NULL, operation_at = $2 WHERE lease_owner = $1`, id, now); err != nil {
		return err
	}
	for _, table := range queues {
		if _, err := tx.conn.Exec(`UPDATE `+table+` SET lease_owner = NULL, due_at = $2 WHERE lease_owner = $1`, id, now); err != nil {
			return err
		}
	}
	for _, table := range datedQueues {
		if _, err := tx.conn.Exec(`
			UPDATE `+table+` SET lease_owner = NULL, due_at = $2, updated_at = $2 WHERE lease_owner = $1`, id, now); err != nil {
			return err
		}
	}
	_, err := tx.conn.Exec(`DELETE FROM nodes WHERE id = $1`, id)
	return err
}
