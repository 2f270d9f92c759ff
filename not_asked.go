package runhook

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// notAsked finds the tasks that are on record for a run but that its code, once the
// job's function has returned, did not call: the code has changed under the run, or
// does not come to the same tasks each time. Only those count that it was bound to
// call: tasks of the job's function, and of the functions of tasks that were called in
// this execution. It knows the completed tasks that the server has sent so far.
type notAsked struct {
	// began says that the job's function was called.
	began bool
	// suspended says that a call was suspended, so that code was left before its end.
	suspended bool
	// refused are the idempotency keys of calls that were made, but not admitted.
	refused map[string]struct{}
	// entered are the IDs of the tasks whose function was called for the first time.
	entered map[string]struct{}
}

// refuse notes a call that was not admitted.
func (x *execution) refuse(idempotencyKey string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.unasked.refused == nil {
		x.unasked.refused = map[string]struct{}{}
	}
	x.unasked.refused[idempotencyKey] = struct{}{}
}

// enter notes that the function of a task is called. One that is tried again may take
// another way than the attempt before.
func (x *execution) enter(task *protocol.Task) {
	if task.Attempts > 1 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.unasked.entered == nil {
		x.unasked.entered = map[string]struct{}{}
	}
	x.unasked.entered[task.ID] = struct{}{}
}

// leave notes that a call was suspended.
func (x *execution) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unasked.suspended = true
}

// begin notes that the job's function is called.
func (x *execution) begin() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unasked.began = true
}

// tasksNotAsked returns the recorded tasks that the code did not ask for, in the order
// they were made.
func (x *execution) tasksNotAsked() []protocol.CachedTask {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.unasked.began || x.unasked.suspended {
		return nil
	}
	var tasks []protocol.CachedTask
	for key, task := range x.cached {
		if !isLog(task) && !x.called(key) && x.mustAsk(task) {
			tasks = append(tasks, task)
		}
	}
	slices.SortFunc(tasks, func(a, b protocol.CachedTask) int { return cmp.Compare(a.ID, b.ID) })
	return tasks
}

func (x *execution) called(idempotencyKey string) bool {
	_, visited := x.visited[idempotencyKey]
	_, refused := x.unasked.refused[idempotencyKey]
	return visited || refused
}

func (x *execution) mustAsk(task protocol.CachedTask) bool {
	if task.ParentID == nil || *task.ParentID == "" {
		return true
	}
	_, entered := x.unasked.entered[*task.ParentID]
	return entered
}

// isLog reports whether a task is a log message: the text is its key, and one that is
// different each time changes nothing of what the run does.
func isLog(task protocol.CachedTask) bool { return task.Noop && task.Name == logTaskName }

// reportNotAsked adds the tasks that the code did not ask for to the answer, and logs
// them.
func (x *execution) reportNotAsked(ctx context.Context, result *protocol.ExecutionResult) {
	tasks := x.tasksNotAsked()
	if len(tasks) == 0 {
		return
	}
	report := &protocol.TasksNotAsked{Count: len(tasks)}
	var names []string
	for _, task := range tasks[:min(len(tasks), protocol.MaxTasksNotAsked)] {
		report.IDs = append(report.IDs, task.ID)
		names = append(names, cmp.Or(task.Name, task.ID))
	}
	result.TasksNotAsked = report
	x.app.logger.WarnContext(ctx, "runhook: the job's code did not ask for tasks that are recorded for the run; "+
		"work under a new key was done again: keep the keys of tasks while runs are under way, and let the code come to the same tasks each time",
		"run", x.run.ID, "job", x.run.Job.ID, "tasks", strings.Join(names, ", "), "count", len(tasks))
}
