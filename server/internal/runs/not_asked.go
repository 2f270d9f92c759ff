package runs

import (
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// tasksNotAsked returns which tasks on record the code of a run had not asked for when it
// returned: the completed ones that its SDK names, and those that it would have had to
// ask this server for; nil for none.
func tasksNotAsked(tx *store.Tx, run model.Run, result *protocol.ExecutionResult) (*model.TasksNotAsked, error) {
	var named []string
	reported := 0
	if result.TasksNotAsked != nil {
		named = result.TasksNotAsked.IDs[:min(len(result.TasksNotAsked.IDs), protocol.MaxTasksNotAsked)]
		reported = result.TasksNotAsked.Count
	}
	if len(named) == 0 && run.Lease.Number <= 1 {
		return nil, nil // there is no execution before
	}
	found, err := tx.TasksNotAsked(run.ID, run.Lease.Number, named, protocol.MaxTasksNotAsked)
	if err != nil || found == nil {
		return nil, err
	}
	found.Count += max(0, reported-len(named))
	return found, nil
}

// logNotAsked logs, once it is on disk, that a run has ended whose code did not ask for
// tasks on record.
func (e *Engine) logNotAsked(tx *store.Tx, x store.Execution) {
	found := x.Run.NotAsked
	if found == nil {
		return
	}
	tx.AfterCommit(func() {
		e.log.Warn("the code of a run did not ask for recorded tasks: it was changed while the run was under way, or does not come to the same tasks on every execution",
			"run", x.Run.ID, "job", x.Job.Slug, "environment", x.Run.EnvironmentID, "endpoint", x.Endpoint.ID,
			"status", x.Run.Status, "tasks", taskNames(found.Tasks), "count", found.Count)
	})
}

// taskNames returns the tasks as the log has them.
func taskNames(tasks []model.TaskNotAsked) []string {
	names := make([]string, len(tasks))
	for i, task := range tasks {
		names[i] = task.ID + " " + task.Name
	}
	return names
}
