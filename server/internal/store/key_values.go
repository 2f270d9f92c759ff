package store

// nameOf is the name under which a value is kept: on PostgreSQL, one that was too long
// for an index was shortened when it was moved there.
func (tx *Tx) nameOf(name string) string {
	if tx.conn.Dialect().Exclusive {
		return name
	}
	return indexed["key_values.name"].Fit(name)
}

// Value returns the text that an environment keeps under a name, for an app.
func (tx *Tx) Value(environmentID, name string) (value string, found bool, err error) {
	value, found, err = first(tx, `SELECT value FROM key_values WHERE environment_id = $1 AND name = $2`, []any{environmentID, tx.nameOf(name)}, scanString)
	if err != nil || !found {
		return "", false, err
	}
	opened, err := tx.OpenSecrets(environmentID, []byte(value))
	return string(opened), true, err
}

// HasValue reports whether an environment keeps a text under a name.
func (tx *Tx) HasValue(environmentID, name string) (bool, error) {
	_, found, err := first(tx, `SELECT name FROM key_values WHERE environment_id = $1 AND name = $2`, []any{environmentID, tx.nameOf(name)}, scanString)
	return found, err
}

// SetValue keeps a text under a name, instead of any that is there.
func (tx *Tx) SetValue(environmentID, name, value string) error {
	sealed, err := tx.sealValue(environmentID, []byte(value))
	if err != nil {
		return err
	}
	return tx.conn.Queue(`
		INSERT INTO key_values (environment_id, name, value, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (environment_id, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`,
		[]any{environmentID, tx.nameOf(name), string(sealed), micros(tx.now)}, nil)
}

// DeleteValue forgets the text under a name, and reports whether there was one.
func (tx *Tx) DeleteValue(environmentID, name string) (bool, error) {
	deleted, err := tx.conn.Exec(`DELETE FROM key_values WHERE environment_id = $1 AND name = $2`, environmentID, tx.nameOf(name))
	return deleted > 0, err
}
