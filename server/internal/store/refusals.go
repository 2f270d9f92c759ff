package store

import (
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// mostRefusals bounds those that are kept of an execution.
const mostRefusals = 50

// NoteRefusal keeps with a run of an environment what was refused to its present
// execution, whose number it sets, and returns whether the same was refused before.
// A run that is not executed keeps nothing.
func (tx *Tx) NoteRefusal(environmentID, runID string, refused model.Refusal) (repeated bool, err error) {
	var status protocol.RunStatus
	var text *string
	found, err := database.First(tx.conn, `
		SELECT status, lease_number, refusals FROM runs WHERE id = $1 AND environment_id = $2`+tx.conn.Dialect().ForUpdate,
		[]any{runID, environmentID}, &status, &refused.Execution, &text)
	if err != nil || !found || status != protocol.RunExecuting {
		return false, err
	}
	kept, err := refusalsOf(runID, text, refused.Execution)
	if err != nil {
		return false, err
	}
	for i := range kept {
		if kept[i].Key == refused.Key && kept[i].Task == refused.Task {
			repeated, kept[i].Repeated = true, true
		}
	}
	if !repeated && len(kept) < mostRefusals {
		kept = append(kept, refused)
	}
	list, err := json.Marshal(kept)
	if err != nil {
		return false, err
	}
	_, err = tx.conn.Exec(`UPDATE runs SET refusals = $1 WHERE id = $2`, json.RawMessage(list), runID)
	return repeated, err
}

// Refusals returns what was refused to an execution of a run, the oldest first.
func (tx *Tx) Refusals(runID string, execution int64) ([]model.Refusal, error) {
	var text *string
	if _, err := database.First(tx.conn, `SELECT refusals FROM runs WHERE id = $1`, []any{runID}, &text); err != nil {
		return nil, err
	}
	return refusalsOf(runID, text, execution)
}

func refusalsOf(runID string, text *string, execution int64) (refused []model.Refusal, err error) {
	if text == nil {
		return nil, nil
	}
	var all []model.Refusal
	if err := json.Unmarshal([]byte(*text), &all); err != nil {
		return nil, fmt.Errorf("refusals of run %s: %w", runID, err)
	}
	for _, r := range all {
		if r.Execution == execution {
			refused = append(refused, r)
		}
	}
	return refused, nil
}
