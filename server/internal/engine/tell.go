package engine

import (
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/live"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// longestTold is how much of an error's message those who watch are told, in
// bytes.
const longestTold = 2000

// tellExecuting tells those who watch that an execution begins.
func (e *Engine) tellExecuting(x *store.Execution) {
	if e.config.Live.Watched() {
		e.config.Live.Publish(runEvent(live.RunExecuting, x, protocol.RunExecuting, e.clock.Now()))
	}
}

// tellRun tells those who watch what status a run has taken, once that is on
// disk. next is when it goes on by itself, zero for not; trouble is what kept it
// from going on, if anything.
func (e *Engine) tellRun(tx *store.Tx, kind live.Kind, x *store.Execution, status protocol.RunStatus, next time.Time, trouble string) {
	if !e.config.Live.Watched() {
		return
	}
	event := runEvent(kind, x, status, tx.Now())
	event.Run.NextAt, event.Run.Error = protocol.AtOrNil(next), short(trouble)
	if status.Terminal() && status != protocol.RunSuccess {
		ended := x.Run
		ended.Status = status
		failure := ended.Error()
		message, ok := errorMessage(failure)
		if !ok {
			message = string(failure)
		}
		event.Run.Error = short(message)
	}
	tx.AfterCommit(func() { e.config.Live.Publish(event) })
}

func runEvent(kind live.Kind, x *store.Execution, status protocol.RunStatus, at time.Time) live.Event {
	run := &live.Run{
		ID: x.Run.ID, Job: x.Job.Slug, Version: x.Version, Status: status, IsTest: x.Run.IsTest, Event: x.Event.Name,
		Execution: x.Run.ExecutionCount, ExecutionDurationInMs: x.Run.ExecutionDuration.Milliseconds(),
		CreatedAt: protocol.AtOrNil(x.Run.CreatedAt),
	}
	if status == protocol.RunExecuting {
		run.Execution++
	}
	return live.Event{Kind: kind, At: protocol.At(at), EnvironmentID: x.Run.EnvironmentID, Run: run}
}

// tellTask tells those who watch what a task is now, once that is on disk.
func (e *Engine) tellTask(tx *store.Tx, t *model.Task) {
	switch t.Status {
	case protocol.TaskCompleted:
		e.tellTaskAs(tx, live.TaskCompleted, t, time.Time{}, "")
	case protocol.TaskErrored:
		message, _ := errorMessage(t.Output)
		e.tellTaskAs(tx, live.TaskErrored, t, time.Time{}, message)
	default:
		e.tellTaskAs(tx, live.TaskCreated, t, t.DueAt, "")
	}
}

// tellTaskAs is tellTask for a kind of event that the task's status does not tell.
func (e *Engine) tellTaskAs(tx *store.Tx, kind live.Kind, t *model.Task, next time.Time, failure string) {
	if !e.config.Live.Watched() {
		return
	}
	event := live.Event{
		Kind: kind, At: protocol.At(tx.Now()), EnvironmentID: t.EnvironmentID, Run: &live.Run{ID: t.RunID},
		Task: &live.Task{
			ID: t.ID, Key: t.DisplayKey, Name: t.Name, Description: short(t.Description), Status: t.Status, Noop: t.Noop, Operation: t.Operation, Attempt: t.Attempts,
			StartedAt: protocol.AtOrNil(t.StartedAt), CompletedAt: protocol.AtOrNil(t.CompletedAt),
			NextAt: protocol.AtOrNil(next), Error: short(failure),
		},
	}
	tx.AfterCommit(func() { e.config.Live.Publish(event) })
}

// short returns the beginning of a message, cut where a character ends.
func short(message string) string {
	if len(message) <= longestTold {
		return message
	}
	cut := longestTold
	for cut > 0 && message[cut]&0xC0 == 0x80 {
		cut--
	}
	return message[:cut] + "..."
}
