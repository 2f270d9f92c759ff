package store

// DoctorSetting names the setting that says how far the background check of the
// invariants has come (package doctor).
const DoctorSetting = "doctor"

// Setting returns what is kept under a name.
func (tx *Tx) Setting(name string) (value string, found bool, err error) {
	return first(tx, `SELECT value FROM settings WHERE name = $1`, []any{name}, scanString)
}

// ReplaceSetting keeps a value under a name if what is there is still the old one
// (empty for nothing), and reports whether it was: of several processes that
// replace one value, one succeeds.
func (tx *Tx) ReplaceSetting(name, old, value string) (bool, error) {
	if old == "" {
		changed, err := tx.conn.Exec(`INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value)
		return changed > 0, err
	}
	changed, err := tx.conn.Exec(`UPDATE settings SET value = $1 WHERE name = $2 AND value = $3`, value, name, old)
	return changed > 0, err
}
