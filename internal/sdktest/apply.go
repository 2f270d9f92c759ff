package sdktest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// apply does what an answer asks for.
func (run *Run) apply(result protocol.ExecutionResult) {
	switch result.Status {
	case protocol.ExecutionSuccess:
		if err := protocol.CheckDepth(result.Output, protocol.MaxDepth); err != nil {
			text, _ := json.Marshal(protocol.Error{Message: "Endpoint responded with an invalid answer: its output is " + err.Error()})
			run.end(protocol.RunFailure, nil, text)
			return
		}
		run.end(protocol.RunSuccess, result.Output, nil)
	case protocol.ExecutionError:
		if result.Task != nil {
			run.taskByID(result.Task.ID).fail(*result.Error)
		}
		text, _ := json.Marshal(result.Error)
		run.end(protocol.RunFailure, nil, text)
	case protocol.ExecutionInvalidPayload:
		run.end(protocol.RunInvalidPayload, nil, result.Errors)
	case protocol.ExecutionUnresolvedAuth:
		run.end(protocol.RunUnresolvedAuth, nil, result.Issues)
	case protocol.ExecutionResumeWithParallelTask:
		run.wait(result.Task)
		for _, child := range result.ChildErrors {
			run.apply(child)
		}
	case protocol.ExecutionResumeWithTask:
		run.wait(result.Task)
	case protocol.ExecutionRetryWithTask:
		task := run.wait(result.Task)
		task.Attempts++
		task.Status, task.due = protocol.TaskWaiting, result.RetryAt.Time
		run.wake(task, run.server.now)
	case protocol.ExecutionYield:
		if run.yields = append(run.yields, result.Key); len(run.yields) > mostYields {
			run.fail(fmt.Sprintf("The run yielded more than %d times", mostYields))
			return
		}
		run.again()
	case protocol.ExecutionAutoYieldCompleted:
		var request protocol.CompleteTask
		json.Unmarshal(result.Output, &request.Output)
		run.taskByID(result.ID).complete(request)
		run.again()
	case protocol.ExecutionAutoYield, protocol.ExecutionAutoYieldRateLimit:
		run.again()
	}
}

func (run *Run) again() {
	run.Status, run.due, run.ForceYield = protocol.RunWaitingToExecute, true, false
}

// The bounds of a real server.
const (
	mostYields   = 100
	mostFailures = 10 // in a row
)

// retry has the run executed again, after a pause, since the app did not answer.
func (run *Run) retry(answer []byte) {
	if run.failures++; run.failures == mostFailures {
		run.end(protocol.RunFailure, nil, answer)
		return
	}
	run.again()
	pause := time.Duration(float64(500*time.Millisecond) * math.Pow(1.5, float64(run.failures)))
	run.due, run.retryAt = false, run.server.now.Add(pause)
}

func (run *Run) fail(message string) {
	text, _ := json.Marshal(protocol.Error{Message: message})
	run.end(protocol.RunFailure, nil, text)
}

// wait notes that the run resumes with a task.
func (run *Run) wait(echo *protocol.TaskEcho) *task {
	task := run.taskByID(echo.ID)
	if echo.OutputProperties != nil {
		task.OutputProperties = echo.OutputProperties
	}
	if run.Status != protocol.RunWaitingToExecute {
		run.Status = protocol.RunWaitingToContinue
	}
	if task.Status.Terminal() {
		run.due = true // it ended while the execution did
	}
	return task
}

func (run *Run) end(status protocol.RunStatus, output, cause json.RawMessage) {
	run.Status, run.Output, run.Error = status, output, cause
	for _, task := range run.tasks {
		switch status {
		case protocol.RunSuccess: // open tasks stay as they are
		case protocol.RunCanceled:
			if !task.Status.Terminal() {
				task.Status = protocol.TaskCanceled
			}
		default:
			task.fail(protocol.Error{Message: "The run ended before this task did"})
		}
	}
	if run.Invocation.Options == nil {
		return
	}
	id, ok := strings.CutPrefix(run.Invocation.Options.CallbackURL, callbackURL)
	if !ok {
		return
	}
	for _, parent := range run.server.runs {
		if waiting := parent.taskByID(id); waiting != nil && !waiting.Status.Terminal() {
			waiting.complete(protocol.CompleteTask{Output: string(protocol.EncodeRunNotification(run.notification()))})
			parent.due = true
		}
	}
}

func (run *Run) notification() *protocol.RawRunNotification {
	request := run.request()
	now := protocol.At(run.server.now)
	return &protocol.RawRunNotification{
		ID: run.ID, OK: run.Status == protocol.RunSuccess, Status: run.Status, Progress: run.Progress,
		Output: run.Output, Error: run.Error, StartedAt: protocol.At(run.created), UpdatedAt: now, CompletedAt: now,
		ExecutionCount: len(run.Answers),
		Invocation: protocol.NotificationInvocation[json.RawMessage]{
			ID: run.ID, Payload: run.Invocation.Payload, Timestamp: protocol.At(run.created), Context: run.Invocation.Context,
		},
		Job: request.Job, Environment: request.Environment, Organization: request.Organization, Project: *request.Project,
	}
}
