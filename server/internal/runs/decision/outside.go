package decision

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// endFromOutside ends a run that has not ended, whether it is executed or not.
func (d *decision) endFromOutside(transition model.RunTransition, output []byte) {
	if d.run().Status.Terminal() {
		d.Step = Leave
		return
	}
	d.run().Output = output
	d.OpenTasks = model.TaskRunCanceled
	d.end(transition)
}

// expired aborts a run whose time to live is over. An execution in flight is no reason to
// wait, as the app may have been away before it took the call; but a task is, as only a
// run that has begun has one.
func (d *decision) expired() {
	run := *d.run()
	switch {
	case run.Status.Terminal(), !IsExpired(run, d.facts.Now):
		d.Step = Leave
	case d.facts.Newest != nil:
		d.Step = KeepAlive
	default:
		d.endFromOutside(model.RunAborted, AbortError("The time to live that the run was invoked with ran out after %v, before its app had answered an execution",
			run.ExpiresAt.Sub(run.CreatedAt)))
	}
}

// IsExpired reports whether a run's time to live is over.
func IsExpired(run model.Run, now time.Time) bool {
	return !run.ExpiresAt.IsZero() && !run.ExpiresAt.After(now)
}

// AbortError returns the error of a run that the platform ends
// (docs/protocol/decisions.md §2).
func AbortError(format string, args ...any) []byte {
	return ErrorJSON(&protocol.Error{Name: "Aborted", Message: fmt.Sprintf(format, args...)})
}

// taskChanged wakes a run because of one of its tasks. A run that is executed resumes when
// that execution ends.
func (d *decision) taskChanged(task Task) {
	d.Step = Leave
	if !task.Ready() {
		return
	}
	switch d.run().Status {
	case protocol.RunExecuting:
		d.Step = NoteWake
	case protocol.RunWaitingToContinue:
		// Due since it was created: of those that resume, the oldest is first.
		d.Step, d.Transition, d.DueAt = Resume, model.RunResumes, d.run().CreatedAt
	}
}

// continued has a run that ended, but not with success, be executed again from where it
// failed.
func (d *decision) continued() {
	if status := d.run().Status; !status.Terminal() || status == protocol.RunSuccess {
		d.Step = Conflict
		return
	}
	d.Step, d.Transition, d.DueAt = Reopen, model.RunContinues, d.facts.Now
}
