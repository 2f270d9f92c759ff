package sdktest

import (
	"slices"

	"github.com/runhook/runhook/protocol"
)

// noteNotAsked finds the tasks that the execution which ends the run did not ask for:
// the completed ones that the SDK names, and the others, which it would have had to
// ask the server for.
func (run *Run) noteNotAsked(result *protocol.ExecutionResult) {
	if result.Status != protocol.ExecutionSuccess && result.Status != protocol.ExecutionError {
		return
	}
	var named []string
	if result.TasksNotAsked != nil {
		named = result.TasksNotAsked.IDs
	}
	for _, task := range run.tasks {
		if slices.Contains(named, task.ID) || run.leftOut(task) {
			run.NotAsked = append(run.NotAsked, task.shownName())
		}
	}
	if len(run.NotAsked) > 0 && run.server.OnNotAsked != nil {
		run.server.OnNotAsked(run)
	}
}

// leftOut reports whether the last execution was bound to ask for a task that is not
// completed, and did not.
func (run *Run) leftOut(task *task) bool {
	last := len(run.Answers) - 1
	if task.Status == protocol.TaskCompleted || task.Status == protocol.TaskCanceled || task.askedIn >= last {
		return false
	}
	if task.ParentID == nil {
		return true
	}
	parent := run.taskByID(*task.ParentID)
	return parent.askedIn == last && parent.Status != protocol.TaskErrored && parent.Attempts <= 1
}
