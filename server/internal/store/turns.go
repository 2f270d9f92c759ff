package store

import "time"

// TakeTurn makes a process the one that does the named work for all until the
// given time, and reports whether it is. Who has the turn may prolong it.
func (tx *Tx) TakeTurn(name, owner string, until time.Time) (bool, error) {
	changed, err := tx.conn.Exec(`
		INSERT INTO turns (name, owner, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
		WHERE turns.owner = excluded.owner OR turns.expires_at < $4`,
		name, owner, micros(until), micros(tx.now))
	return changed > 0, err
}
