package store

import (
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// shownName is the beginning of what people know a task by.
const shownName = `SUBSTR(COALESCE(display_key, name), 1, 60)`

func askedOrNull(execution int64) any {
	if execution == 0 {
		return nil
	}
	return execution
}

// NoteAsked records that an execution has asked for a task that is not completed.
func (tx *Tx) NoteAsked(taskID string, execution int64) error {
	return tx.conn.Queue(`UPDATE tasks SET asked_in = $1 WHERE id = $2`, []any{execution, taskID}, nil)
}

// TasksNotAsked returns those of the named tasks that are a run's, and those of its
// tasks that an execution was bound to ask the server for and did not: neither
// completed nor canceled, and not inside of a task whose function it did not call, or
// called once more to try it again. The first limit of them come with how many there
// are.
func (tx *Tx) TasksNotAsked(runID string, execution int64, named []string, limit int) (*model.TasksNotAsked, error) {
	var found model.TasksNotAsked
	tasks, err := collect(tx, `
		SELECT t.id, `+shownName+`, COUNT(*) OVER () FROM tasks t
		WHERE t.run_id = $1 AND (t.id `+tx.conn.Dialect().InList("$2")+`
		   OR t.status NOT IN ('`+string(protocol.TaskCompleted)+`', '`+string(protocol.TaskCanceled)+`') AND t.asked_in < $3
		  AND (t.parent_id IS NULL OR EXISTS (
		      SELECT 1 FROM tasks p
		      WHERE p.id = t.parent_id AND p.asked_in = $3 AND p.attempts <= 1 AND p.status <> '`+string(protocol.TaskErrored)+`')))
		ORDER BY t.id LIMIT $4`, []any{runID, jsonList(named), execution, limit},
		func(rows database.Rows) (t model.TaskNotAsked, err error) {
			err = rows.Scan(&t.ID, &t.Name, &found.Count)
			return t, err
		})
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	found.Tasks = tasks
	return &found, nil
}
