package store

import "time"

// TryAcquireLease leases the named work, which one process does for all, for a while from
// now on by the shared clock, and reports whether it is and what time that clock shows.
// The owner may renew the lease.
func (tx *Tx) TryAcquireLease(name, owner string, duration time.Duration) (mine bool, now time.Time, err error) {
	if now, err = tx.SharedNow(); err != nil {
		return false, now, err
	}
	changed, err := tx.conn.Exec(`
		INSERT INTO turns (name, owner, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
		WHERE turns.owner = excluded.owner OR turns.expires_at < $4`,
		name, owner, micros(now.Add(duration)), micros(now))
	return changed > 0, now, err
}
