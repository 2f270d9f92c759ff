package runhook

import (
	"context"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// A backend is the server as an execution needs it. Every method may be called
// again with the same arguments without doing its work twice. Errors that are
// an [*APIError] and not temporary are the server's refusal; any other says
// nothing about what was asked.
type backend interface {
	// createTask returns the run's task with the request's idempotency key,
	// which is created if there is none. A cursor asks for a page of finished
	// tasks too.
	createTask(ctx context.Context, runID string, request *protocol.CreateTask, cursor string) (*protocol.CreatedTask, error)
	// completeTask records the result of a task.
	completeTask(ctx context.Context, runID, taskID string, request *protocol.CompleteTask) (*protocol.Task, error)
	// failTask records that a task has failed for good.
	failTask(ctx context.Context, runID, taskID string, request *protocol.FailTask) (*protocol.Task, error)
	// updateStatus sets one of the run's statuses.
	updateStatus(ctx context.Context, runID, key string, request *protocol.UpdateProgress) (*protocol.ProgressStatus, error)
	// invokeJob starts a run, or returns the one that was started with this key.
	invokeJob(ctx context.Context, jobID, idempotencyKey string, request *protocol.InvokeJob) (*protocol.InvokedRun, error)
	// sendEvent and sendEvents send events that have IDs.
	sendEvent(ctx context.Context, request *protocol.SendEvent) (protocol.EventLog, error)
	sendEvents(ctx context.Context, request *protocol.SendEvents) ([]protocol.EventLog, error)
	// waitForEvent has a URL called with the first event that comes.
	waitForEvent(ctx context.Context, request *protocol.WaitForEvent) error
	// registerSchedule and unregisterSchedule add to a dynamic schedule of an
	// endpoint and take away.
	registerSchedule(ctx context.Context, endpointID, scheduleID string, request *protocol.RegisterSchedule) error
	unregisterSchedule(ctx context.Context, endpointID, scheduleID, key string) error
	// registerTrigger adds a source to a dynamic trigger of an endpoint.
	registerTrigger(ctx context.Context, endpointID, triggerID, key, idempotencyKey string, request *protocol.RegisterTrigger) error
	// updateSource reports that a source was registered with its service.
	updateSource(ctx context.Context, endpointID, key string, request *protocol.UpdateSource) error
	// GetValue returns a value of the store, or none if there is none.
	GetValue(ctx context.Context, key string) (value string, found bool, err error)
	// SetValue sets a value of the store.
	SetValue(ctx context.Context, key, value string) error
	// DeleteValue reports whether there was a value to delete.
	DeleteValue(ctx context.Context, key string) (bool, error)
}

// api is the backend over HTTP.
type api struct{ *transport.Client }

var _ backend = (*api)(nil)

func (a *api) createTask(ctx context.Context, runID string, request *protocol.CreateTask, cursor string) (*protocol.CreatedTask, error) {
	created := new(protocol.CreatedTask)
	return created, a.Call(ctx, "POST", transport.Path("/api/v1/runs/", runID, "/tasks"), request, created,
		protocol.HeaderIdempotencyKey, request.IdempotencyKey,
		protocol.HeaderVersion, protocol.VersionLazyCachedTasks,
		protocol.HeaderCachedTaskCursor, cursor)
}

func (a *api) completeTask(ctx context.Context, runID, taskID string, request *protocol.CompleteTask) (*protocol.Task, error) {
	task := new(protocol.Task)
	return task, a.Call(ctx, "POST", transport.Path("/api/v1/runs/", runID, "/tasks/", taskID, "/complete"), request, task,
		protocol.HeaderVersion, protocol.VersionSerializedOutput)
}

func (a *api) failTask(ctx context.Context, runID, taskID string, request *protocol.FailTask) (*protocol.Task, error) {
	task := new(protocol.Task)
	return task, a.Call(ctx, "POST", transport.Path("/api/v1/runs/", runID, "/tasks/", taskID, "/fail"), request, task)
}

func (a *api) updateStatus(ctx context.Context, runID, key string, request *protocol.UpdateProgress) (*protocol.ProgressStatus, error) {
	record := new(protocol.ProgressStatus)
	return record, a.Call(ctx, "PUT", transport.Path("/api/v1/runs/", runID, "/statuses/", key), request, record)
}

func (a *api) invokeJob(ctx context.Context, jobID, idempotencyKey string, request *protocol.InvokeJob) (*protocol.InvokedRun, error) {
	run := new(protocol.InvokedRun)
	return run, a.Call(ctx, "POST", transport.Path("/api/v1/jobs/", jobID, "/invoke"), request, run,
		protocol.HeaderIdempotencyKey, idempotencyKey)
}
