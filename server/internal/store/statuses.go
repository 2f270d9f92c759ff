package store

import (
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store/database"
)

const statusColumns = `key, label, state, data, history`

func scanStatus(rows database.Rows) (protocol.RunStatusRecord, error) {
	var s protocol.RunStatusRecord
	var state, data *string
	var history string
	if err := rows.Scan(&s.Key, &s.Label, &state, &data, &history); err != nil {
		return s, err
	}
	s.State, s.Data = textOrEmpty(state), jsonOrNil(data)
	if err := json.Unmarshal([]byte(history), &s.History); err != nil {
		return s, fmt.Errorf("history of status %q: %w", s.Key, err)
	}
	return s, nil
}

// Statuses returns the explicit statuses of a run in the order they were made.
func (tx *Tx) Statuses(runID string) ([]protocol.RunStatusRecord, error) {
	return collect(tx, `SELECT `+statusColumns+` FROM run_statuses WHERE run_id = $1 ORDER BY position`, []any{runID}, scanStatus)
}

// Status returns an explicit status of a run.
func (tx *Tx) Status(runID, key string) (protocol.RunStatusRecord, bool, error) {
	return first(tx, `SELECT `+statusColumns+` FROM run_statuses WHERE run_id = $1 AND key = $2`, []any{runID, key}, scanStatus)
}

// SaveStatus records an explicit status of a run whose row is locked.
func (tx *Tx) SaveStatus(runID string, s protocol.RunStatusRecord) error {
	history, err := json.Marshal(s.History)
	if err != nil {
		return fmt.Errorf("history of status %q: %w", s.Key, err)
	}
	_, err = tx.conn.Exec(`
		INSERT INTO run_statuses (run_id, key, position, label, state, data, history, created_at, updated_at)
		VALUES ($1, $2, (SELECT COUNT(*) FROM run_statuses WHERE run_id = $1), $3, $4, $5, $6, $7, $7)
		ON CONFLICT (run_id, key) DO UPDATE SET
			label = excluded.label, state = excluded.state, data = excluded.data,
			history = excluded.history, updated_at = excluded.updated_at`,
		runID, s.Key, s.Label, textOrNull(s.State), jsonOrNull(s.Data), string(history), micros(tx.now))
	return err
}
