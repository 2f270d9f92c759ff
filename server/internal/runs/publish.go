package runs

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/store"
)

// longestPublished is how much of an error's message is published, in bytes.
const longestPublished = 2000

// publishExecuting publishes that an execution begins.
func (e *Engine) publishExecuting(x *store.Execution) {
	if e.config.PubSub.HasSubscribers() {
		e.config.PubSub.Publish(runEvent(pubsub.RunExecuting, x, protocol.RunExecuting, e.clock.Now()))
	}
}

// publishRun publishes the status that a run has taken, once that is on disk. next is when it
// resumes by itself, zero for not; trouble is what kept the execution from ending, if
// anything.
func (e *Engine) publishRun(tx *store.Tx, kind pubsub.Kind, x *store.Execution, status protocol.RunStatus, next time.Time, trouble string) {
	if !e.config.PubSub.HasSubscribers() {
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
	tx.AfterCommit(func() { e.config.PubSub.Publish(event) })
}

func runEvent(kind pubsub.Kind, x *store.Execution, status protocol.RunStatus, at time.Time) pubsub.Event {
	run := &pubsub.Run{
		ID: x.Run.ID, Job: x.Job.Slug, Version: x.Version, Status: status, IsTest: x.Run.IsTest, Event: x.Event.Name,
		Execution: x.Run.ExecutionCount, ExecutionDurationInMs: x.Run.ExecutionDuration.Milliseconds(),
		CreatedAt: protocol.AtOrNil(x.Run.CreatedAt),
	}
	if status == protocol.RunExecuting {
		run.Execution++
	}
	return pubsub.Event{Kind: kind, At: protocol.At(at), EnvironmentID: x.Run.EnvironmentID, Run: run}
}

// publishTask publishes what a task is now, once that is on disk.
func (e *Engine) publishTask(tx *store.Tx, t *model.Task) {
	switch t.Status {
	case protocol.TaskCompleted:
		e.publishTaskAs(tx, pubsub.TaskCompleted, t, time.Time{}, "")
	case protocol.TaskErrored:
		message, _ := errorMessage(t.Output)
		e.publishTaskAs(tx, pubsub.TaskErrored, t, time.Time{}, message)
	default:
		e.publishTaskAs(tx, pubsub.TaskCreated, t, t.DueAt, "")
	}
}

// publishTaskAs is publishTask for a kind of event that does not follow from the task's status.
func (e *Engine) publishTaskAs(tx *store.Tx, kind pubsub.Kind, t *model.Task, next time.Time, failure string) {
	if !e.config.PubSub.HasSubscribers() {
		return
	}
	event := pubsub.Event{
		Kind: kind, At: protocol.At(tx.Now()), EnvironmentID: t.EnvironmentID, Run: &pubsub.Run{ID: t.RunID},
		Task: &pubsub.Task{
			ID: t.ID, ParentID: t.ParentID, Key: t.DisplayKey, Data: logData(t), Properties: propertiesOf(t),
			Name: t.Name, Description: short(t.Description), Status: t.Status, Noop: t.Noop, Operation: t.Operation, Attempt: t.Attempts,
			StartedAt: protocol.AtOrNil(t.StartedAt), CompletedAt: protocol.AtOrNil(t.CompletedAt),
			NextAt: protocol.AtOrNil(next), Error: short(failure),
		},
	}
	tx.AfterCommit(func() { e.config.PubSub.Publish(event) })
}

// logData returns the data of a log line as people are shown it; empty for other tasks.
func logData(t *model.Task) string {
	if !t.Noop || t.Name != "log" || t.Params == nil {
		return ""
	}
	return short(string(redact.Params(*t)))
}

// propertiesOf returns what people are shown with a task.
func propertiesOf(t *model.Task) (properties []protocol.DisplayProperty) {
	if t.Properties == nil || json.Unmarshal(t.Properties, &properties) != nil {
		return nil // shownProperties made them, so they can be decoded
	}
	for i := range properties {
		properties[i].Text = short(properties[i].Text)
	}
	return properties
}

// short returns the beginning of a message, cut where a character ends.
func short(message string) string {
	// Before it is cut, which may be in the middle of a reference.
	message = string(model.HideSecrets([]byte(message)))
	if len(message) <= longestPublished {
		return message
	}
	cut := longestPublished
	for cut > 0 && message[cut]&0xC0 == 0x80 {
		cut--
	}
	return message[:cut] + "..."
}
