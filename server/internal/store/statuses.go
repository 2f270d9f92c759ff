package store

import (
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store/database"
)

const statusColumns = `key, label, state, data, history`

func scanStatus(rows database.Rows) (protocol.ProgressStatus, error) {
	var s protocol.ProgressStatus
	var state, data *string
	var history string
	if err := rows.Scan(&s.Key, &s.Label, &state, &data, &history); err != nil {
		return s, err
	}
	s.State, s.Data = textOrEmpty(state), jsonOrNil(data)
	var err error
	if s.History, err = parseHistory(history); err != nil {
		return s, fmt.Errorf("history of status %q: %w", s.Key, err)
	}
	return s, nil
}

// snapshot is how a [protocol.ProgressSnapshot] is stored: with its data as
// text, which encoding would otherwise change.
type snapshot struct {
	Label string  `json:"label,omitempty"`
	State string  `json:"state,omitempty"`
	Data  *string `json:"data,omitempty"`
}

func historyText(history []protocol.ProgressSnapshot) (string, error) {
	stored := make([]snapshot, len(history))
	for i, s := range history {
		stored[i] = snapshot{Label: s.Label, State: s.State}
		if s.Data != nil {
			data := string(s.Data)
			stored[i].Data = &data
		}
	}
	text, err := json.Marshal(stored)
	return string(text), err
}

func parseHistory(text string) ([]protocol.ProgressSnapshot, error) {
	var stored []snapshot
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, err
	}
	history := make([]protocol.ProgressSnapshot, len(stored))
	for i, s := range stored {
		history[i] = protocol.ProgressSnapshot{Label: s.Label, State: s.State, Data: jsonOrNil(s.Data)}
	}
	return history, nil
}

// Statuses returns the progress statuses of a run in the order they were made.
func (tx *Tx) Statuses(runID string) ([]protocol.ProgressStatus, error) {
	return collect(tx, `SELECT `+statusColumns+` FROM run_statuses WHERE run_id = $1 ORDER BY position`, []any{runID}, scanStatus)
}

// OtherStatuses returns how many progress statuses a run has besides the one with a
// key, and how many bytes their texts have together.
func (tx *Tx) OtherStatuses(runID, key string) (count int, bytes int64, err error) {
	type sum struct {
		count int
		bytes int64
	}
	s, _, err := first(tx, `SELECT COUNT(*), COALESCE(SUM(`+statusBytes+`), 0) FROM run_statuses WHERE run_id = $1 AND key <> $2`,
		[]any{runID, key}, func(rows database.Rows) (s sum, err error) {
			err = rows.Scan(&s.count, &s.bytes)
			return s, err
		})
	return s.count, s.bytes, err
}

var statusBytes = bytesOf("key", "label", "data", "history")

// Status returns a progress status of a run.
func (tx *Tx) Status(runID, key string) (protocol.ProgressStatus, bool, error) {
	return first(tx, `SELECT `+statusColumns+` FROM run_statuses WHERE run_id = $1 AND key = $2`, []any{runID, key}, scanStatus)
}

// SaveStatus records a progress status of a run of an environment, whose row is locked.
func (tx *Tx) SaveStatus(environmentID, runID string, s protocol.ProgressStatus) error {
	data, err := tx.SealSecrets(environmentID, s.Data)
	if err != nil {
		return err
	}
	s.Data = data
	if s.Label, err = tx.SealText(environmentID, s.Label); err != nil {
		return err
	}
	// What it was before is sealed already.
	history, err := historyText(s.History)
	if err != nil {
		return fmt.Errorf("history of status %q: %w", s.Key, err)
	}
	_, err = tx.conn.Exec(`
		INSERT INTO run_statuses (run_id, key, position, label, state, data, history, created_at, updated_at)
		VALUES ($1, $2, (SELECT COUNT(*) FROM run_statuses WHERE run_id = $1), $3, $4, $5, $6, $7, $7)
		ON CONFLICT (run_id, key) DO UPDATE SET
			label = excluded.label, state = excluded.state, data = excluded.data,
			history = excluded.history, updated_at = excluded.updated_at`,
		runID, s.Key, s.Label, textOrNull(s.State), jsonOrNull(s.Data), history, micros(tx.now))
	return err
}
