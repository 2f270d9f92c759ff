package outbox

import (
	"encoding/json"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/store"
)

// payload returns the notification of a run that has ended.
func payload(tx *store.Tx, environment *model.Environment, ended store.Execution) (*protocol.RawRunNotification, error) {
	run, event := ended.Run, ended.Event
	statuses, err := tx.Statuses(run.ID)
	if err != nil {
		return nil, err
	}
	started := run.StartedAt
	if started.IsZero() {
		started = run.CompletedAt
	}
	n := &protocol.RawRunNotification{
		ID: run.ID, OK: run.Status == protocol.RunSuccess, Status: run.Status, Progress: statuses,
		StartedAt: protocol.At(started), UpdatedAt: protocol.At(run.UpdatedAt), CompletedAt: protocol.At(run.CompletedAt),
		IsTest: run.IsTest, ExecutionDurationInMs: run.ExecutionDuration.Milliseconds(), ExecutionCount: run.ExecutionCount,
		Invocation: protocol.NotificationInvocation[json.RawMessage]{
			ID: run.ID, Payload: event.Payload, Timestamp: protocol.At(event.Timestamp), Context: event.Context,
		},
		Job:         protocol.JobReference{ID: ended.Job.Slug, Version: ended.Version},
		Environment: environment.Reference(),
		Organization: protocol.OrganizationReference{
			ID: environment.Organization.ID, Slug: environment.Organization.Slug, Title: environment.Organization.Title,
		},
		Project: protocol.ProjectReference{ID: environment.Project.ID, Slug: environment.Project.Slug, Name: environment.Project.Name},
	}
	if ended.Account != nil {
		n.Account = &protocol.AccountReference{ID: ended.Account.Identifier, Metadata: ended.Account.Metadata}
	}
	if n.OK {
		n.Output = run.Output
		return n, nil
	}
	n.Error = run.Error()
	n.Task, err = failedTask(tx, run.FailedTaskID)
	return n, err
}

// RunBody returns the body of the notification of a run that has ended, as [Encode] does.
func RunBody(tx *store.Tx, environment *model.Environment, ended store.Execution) ([]byte, error) {
	document, err := payload(tx, environment, ended)
	if err != nil {
		return nil, err
	}
	return Encode(document), nil
}

// Encode returns the body of a notification as it is kept, with references to secrets,
// which a receiver gets as is right for it (package delivery). It is UTF-8 even if a value
// in it was kept by a version that did not check.
func Encode(document *protocol.RawRunNotification) []byte {
	return model.KeepableBytes(protocol.EncodeRunNotification(document))
}

func failedTask(tx *store.Tx, id string) (*protocol.NotificationTask, error) {
	if id == "" {
		return nil, nil
	}
	task, found, err := tx.Task(id)
	if err != nil || !found {
		return nil, err
	}
	return &protocol.NotificationTask{
		ID: task.ID, CacheKey: nullable(task.DisplayKey), Error: task.Output, Status: task.Status, Name: task.Name,
		Icon: nullable(task.Icon), StartedAt: protocol.AtOrNil(task.StartedAt), Params: redact.Params(task),
	}, nil
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
