package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/runhook/runhook/protocol"
)

// A Run is one run of a job. Tests read its fields between executions.
type Run struct {
	ID, Job, EventID string
	EventName        string
	// Source is what the run was started by, if it was a schedule.
	Source     json.RawMessage
	Invocation protocol.InvokeJob
	Status     protocol.RunStatus
	Output     json.RawMessage
	Error      json.RawMessage
	Progress   []protocol.ProgressStatus
	// Answers are those to all executions, in order.
	Answers []protocol.ExecutionResult
	// Limit is the time limit that executions are given, in milliseconds.
	Limit int
	// ForceYield asks executions to hand over at the next task.
	ForceYield bool
	// IsTest, Account are passed on to executions.
	IsTest  bool
	Account *protocol.AccountReference
	// NotAsked are the names of recorded tasks that the execution which ended the run
	// did not ask for.
	NotAsked []string

	server *Server
	tasks  []*task
	yields []protocol.ExactText
	// failures is how many executions in a row were not answered, and retryAt when the
	// next is due.
	failures int
	retryAt  time.Time
	due      bool
	created  time.Time
}

type task struct {
	protocol.Task
	due        time.Time
	displayKey string
	// askedIn is the number of the execution that last asked for it before it was
	// completed, from 0.
	askedIn int
}

func (t *task) shownName() string { return or(t.displayKey, t.Name) }

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// Tasks returns the run's tasks in the order of their creation.
func (run *Run) Tasks() []protocol.Task {
	run.server.mu.Lock()
	defer run.server.mu.Unlock()
	tasks := make([]protocol.Task, len(run.tasks))
	for i, task := range run.tasks {
		tasks[i] = task.Task
	}
	return tasks
}

// Cancel cancels the run.
func (run *Run) Cancel() {
	run.server.mu.Lock()
	defer run.server.mu.Unlock()
	run.cancel()
}

func (run *Run) cancel() {
	if run.Status.Terminal() {
		return
	}
	run.end(protocol.RunCanceled, nil, nil)
}

func (run *Run) taskByKey(key string) *task {
	for _, task := range run.tasks {
		if task.IdempotencyKey == key {
			return task
		}
	}
	return nil
}

func (run *Run) taskByID(id string) *task {
	for _, task := range run.tasks {
		if task.ID == id {
			return task
		}
	}
	return nil
}

func (t *task) complete(request protocol.CompleteTask) {
	if t.Status.Terminal() {
		return
	}
	t.Status, t.OutputProperties, t.Output = protocol.TaskCompleted, request.Properties, nil
	if request.Output != "" {
		t.Output = json.RawMessage(request.Output)
	}
}

func (t *task) fail(cause protocol.Error) {
	if t.Status.Terminal() {
		return
	}
	t.Status = protocol.TaskErrored
	t.Output, _ = json.Marshal(cause)
}

// wake ends the wait of a task that is due.
func (run *Run) wake(task *task, now time.Time) {
	if task.Status != protocol.TaskWaiting || task.due.IsZero() || task.due.After(now) {
		return
	}
	task.due, run.due = time.Time{}, true
	switch {
	case task.CallbackURL != nil:
		task.fail(protocol.Error{Message: "Remote callback timeout - no requests received", Name: protocol.CallbackTimeout})
	case task.Noop:
		task.complete(protocol.CompleteTask{})
	default:
		task.Status = protocol.TaskRunning
	}
}

// cachedTasks returns a page of the finished tasks from the one with ID cursor,
// and the next cursor.
func (run *Run) cachedTasks(cursor string) (page []protocol.CachedTask, next string) {
	for _, task := range run.tasks {
		if task.Status != protocol.TaskCompleted || task.ID < cursor {
			continue
		}
		if size := run.server.CachePage; size > 0 && len(page) == size {
			return page, task.ID
		}
		page = append(page, protocol.CachedTask{
			ID: task.ID, IdempotencyKey: task.IdempotencyKey, Status: task.Status,
			Noop: task.Noop, Output: task.Output, ParentID: task.ParentID, Name: task.shownName(),
		})
	}
	return page, ""
}

func (run *Run) request() protocol.ExecuteJob {
	s := run.server
	request := protocol.ExecuteJob{
		Event: protocol.Event{
			ID: run.EventID, Name: run.EventName, Payload: run.Invocation.Payload, Context: run.Invocation.Context,
			Timestamp: protocol.At(run.created),
		},
		Job:          protocol.JobReference{ID: run.Job, Version: "1.0.0"},
		Run:          protocol.RunReference{ID: run.ID, IsTest: run.IsTest, StartedAt: protocol.At(s.now)},
		Environment:  protocol.EnvironmentReference{ID: "env_1", Slug: "dev", Type: protocol.Development},
		Organization: protocol.OrganizationReference{ID: "org_1", Slug: "acme", Title: "Acme"},
		Project:      &protocol.ProjectReference{ID: "proj_1", Slug: "web", Name: "Web"},
		Account:      run.Account, Source: run.Source, YieldedExecutions: run.yields, RunChunkExecutionLimit: run.Limit,
	}
	if options := run.Invocation.Options; options != nil && options.AccountID != "" {
		request.Account = &protocol.AccountReference{ID: options.AccountID}
	}
	request.Tasks, request.CachedTaskCursor = run.cachedTasks("")
	return request
}

// Execute calls the endpoint once and applies its answer.
func (run *Run) Execute() protocol.ExecutionResult { return run.ExecuteIn(context.Background()) }

// ExecuteIn is Execute with the context of the request.
func (run *Run) ExecuteIn(ctx context.Context) protocol.ExecutionResult {
	s := run.server
	s.mu.Lock()
	run.due = false
	if !run.Status.Terminal() {
		run.Status = protocol.RunExecuting
	}
	body, _ := json.Marshal(run.request())
	s.mu.Unlock()

	response := s.Call(ctx, protocol.ActionExecuteJob, body)
	var result protocol.ExecutionResult
	if err := json.Unmarshal(response.Body.Bytes(), &result); err != nil {
		panic(fmt.Sprintf("sdktest: %s is no answer: %v", response.Body, err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	run.Answers = append(run.Answers, result)
	if run.Status.Terminal() {
		return result
	}
	if response.Code >= http.StatusInternalServerError { // the app is away, and is asked again
		run.retry(response.Body.Bytes())
		return result
	}
	if response.Code != http.StatusOK {
		run.end(protocol.RunFailure, nil, response.Body.Bytes())
		return result
	}
	run.failures = 0
	run.noteNotAsked(&result)
	run.apply(result)
	return result
}

// Call makes a request to the endpoint.
func (s *Server) Call(ctx context.Context, action protocol.Action, body []byte) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/trigger", bytes.NewReader(body))
	maps.Copy(request.Header, s.Header)
	request.Header.Set(protocol.HeaderAPIKey, APIKey)
	request.Header.Set(protocol.HeaderAction, string(action))
	request.Header.Set(protocol.HeaderServerVersion, protocol.VersionLazyCachedTasks)
	recorder := httptest.NewRecorder()
	s.endpoint.ServeHTTP(recorder, request)
	return recorder
}
