package harness

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
)

// Task asks for a task with the key, as an SDK would. change, if given, adjusts
// the request.
func (x *Execution) Task(key string, change ...func(*protocol.CreateTask)) protocol.Task {
	x.API.t.Helper()
	request := protocol.CreateTask{IdempotencyKey: key, DisplayKey: key, Name: "Task " + key}
	for _, adjust := range change {
		adjust(&request)
	}
	return x.API.CreateTask(x.Body.Run.ID, request)
}

// CreateTask asks for a task of a run.
func (c *Client) CreateTask(runID string, request protocol.CreateTask) protocol.Task {
	c.t.Helper()
	var created protocol.CreatedTask
	c.OK("POST", "/api/v1/runs/"+runID+"/tasks", request, &created,
		protocol.HeaderIdempotencyKey, request.IdempotencyKey, protocol.HeaderVersion, protocol.VersionLazyCachedTasks)
	return created.Task
}

// Complete finishes a task with JSON; empty stands for nothing.
func (x *Execution) Complete(task protocol.Task, output string) protocol.Task {
	x.API.t.Helper()
	var completed protocol.Task
	x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks/"+task.ID+"/complete", protocol.CompleteTask{Output: output}, &completed,
		protocol.HeaderVersion, protocol.VersionSerializedOutput)
	return completed
}

// Fail ends a task with an error.
func (x *Execution) Fail(task protocol.Task, message string) protocol.Task {
	x.API.t.Helper()
	var failed protocol.Task
	x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks/"+task.ID+"/fail", protocol.FailTask{Error: protocol.Error{Message: message}}, &failed)
	return failed
}

// Delay has a task wait until a time.
func Delay(until time.Time) func(*protocol.CreateTask) {
	return func(t *protocol.CreateTask) { t.DelayUntil = protocol.AtOrNil(until) }
}

// Noop makes a task one without a body, as waits and logs are.
func Noop(t *protocol.CreateTask) { t.Noop = true }

// Parallel makes a task the parent of tasks that wait together.
func Parallel(t *protocol.CreateTask) { t.Parallel = true }

// Child puts a task below another.
func Child(of protocol.Task) func(*protocol.CreateTask) {
	return func(t *protocol.CreateTask) { t.ParentID = of.ID }
}

// Callback has a task wait for its callback for some seconds.
func Callback(seconds float64) func(*protocol.CreateTask) {
	return func(t *protocol.CreateTask) {
		t.Callback = &protocol.Callback{Enabled: true, TimeoutInSeconds: &seconds}
	}
}

type object = map[string]any

// Resume answers RESUME_WITH_TASK.
func Resume(task protocol.Task) Reply { return JSON(resume(task)) }

func resume(task protocol.Task) object {
	return object{"status": protocol.ExecutionResumeWithTask, "task": task}
}

// Retry answers RETRY_WITH_TASK.
func Retry(task protocol.Task, at time.Time) Reply { return JSON(retry(task, at)) }

func retry(task protocol.Task, at time.Time) object {
	return object{"status": protocol.ExecutionRetryWithTask, "task": task, "retryAt": protocol.At(at), "error": protocol.Error{Message: "not yet"}}
}

// ResumeParallel answers RESUME_WITH_PARALLEL_TASK with what its items answer.
func ResumeParallel(task protocol.Task, items ...Reply) Reply {
	children := []json.RawMessage{}
	for _, item := range items {
		children = append(children, json.RawMessage(item.Body))
	}
	return JSON(object{"status": protocol.ExecutionResumeWithParallelTask, "task": task, "childErrors": children})
}

// Failure answers ERROR.
func Failure(message string) Reply {
	return JSON(object{"status": protocol.ExecutionError, "error": protocol.Error{Message: message}})
}

// TaskFailure answers ERROR and names the task that had failed before.
func TaskFailure(task protocol.Task, message string) Reply {
	return JSON(object{"status": protocol.ExecutionError, "error": protocol.Error{Message: message}, "task": task})
}

// Yield answers YIELD_EXECUTION.
func Yield(key string) Reply {
	return JSON(object{"status": protocol.ExecutionYield, "key": key})
}

// AutoYield answers AUTO_YIELD_EXECUTION.
func AutoYield() Reply {
	return JSON(object{"status": protocol.ExecutionAutoYield, "location": "start_task", "timeRemaining": 480.25, "timeElapsed": 59520.75, "limit": 60000})
}
