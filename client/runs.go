package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

const ownAPI = "/api/runhook/v1"

// A Run is a run of a job.
type Run struct {
	ID     string                `json:"id"`
	Job    protocol.JobReference `json:"job"`
	Status protocol.RunStatus    `json:"status"`
	IsTest bool                  `json:"isTest"`
	// Event is what started the run. In a list it has its ID and name only.
	Event RunEvent `json:"event"`
	// AccountID is the account that the run is for, and CallbackURL where its end is
	// sent beside subscriptions; both may be empty.
	AccountID   string `json:"accountId"`
	CallbackURL string `json:"callbackUrl"`
	// ExecutionCount is how often the app was asked to execute it, and
	// ExecutionDuration how long its code ran in all.
	ExecutionCount    int           `json:"executionCount"`
	ExecutionDuration time.Duration `json:"-"`
	CreatedAt         time.Time     `json:"createdAt"`
	// StartedAt is when it was first executed, and CompletedAt when it ended; zero
	// before.
	StartedAt   time.Time `json:"startedAt"`
	CompletedAt time.Time `json:"completedAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

// A RunEvent is what started a run.
type RunEvent struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Source    string          `json:"source"`
	Payload   json.RawMessage `json:"payload"`
	Context   json.RawMessage `json:"context"`
	Timestamp time.Time       `json:"timestamp"`
}

// RunDetails is a run with all that is known of it but its tasks, which
// [Client.ListTasks] returns.
type RunDetails struct {
	Run
	// Output is what the job returned, Error why the run ended without success, both
	// as JSON; at most one is there.
	Output json.RawMessage `json:"output"`
	Error  json.RawMessage `json:"error"`
	// FailedTaskID is the task whose error ended the run; empty if none did.
	FailedTaskID string `json:"failedTaskId"`
	// AppID is the ID of the app that executes it.
	AppID string `json:"endpoint"`
	// Why is what it waits for; nil once it has ended.
	Why *RunReason `json:"why"`
	// Statuses are the progress statuses that its code set.
	Statuses []protocol.ProgressStatus `json:"statuses"`
	// Notifications are what was sent of its end, newest first.
	Notifications []Notification `json:"notifications"`
}

// wireRun and wireRunDetails are runs as the server sends them.
type wireRun struct {
	Run
	ExecutionDurationInMs int64 `json:"executionDurationInMs"`
}

func (w *wireRun) run() *Run {
	w.ExecutionDuration = milliseconds(w.ExecutionDurationInMs)
	return &w.Run
}

type wireRunDetails struct {
	RunDetails
	ExecutionDurationInMs int64 `json:"executionDurationInMs"`
}

func (w *wireRunDetails) run() *RunDetails {
	w.ExecutionDuration = milliseconds(w.ExecutionDurationInMs)
	return &w.RunDetails
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// A RunFilter says which runs to list: those for which all that it names holds.
type RunFilter struct {
	// JobID is the job that they are runs of.
	JobID string
	// Statuses are those of which a run has one.
	Statuses []protocol.RunStatus
	// IsTest, unless it is nil, says whether to list tests or all others.
	IsTest *bool
	// From and To bound when they were created: at From or later, and before To.
	From, To time.Time
}

func (f RunFilter) query() url.Values {
	query := url.Values{"job": {f.JobID}, "from": {moment(f.From)}, "to": {moment(f.To)}}
	for _, status := range f.Statuses {
		query.Add("status", string(status))
	}
	if f.IsTest != nil {
		query.Set("test", strconv.FormatBool(*f.IsTest))
	}
	return query
}

// moment writes a time for a query; empty for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// ListRuns returns the runs of the environment that match the filter, newest first.
func (c *Client) ListRuns(ctx context.Context, filter RunFilter) iter.Seq2[*Run, error] {
	return allPages(func(request PageRequest) (Page[*Run], error) { return c.PageOfRuns(ctx, filter, request) })
}

// PageOfRuns returns a page of what [Client.ListRuns] does.
func (c *Client) PageOfRuns(ctx context.Context, filter RunFilter, request PageRequest) (Page[*Run], error) {
	return getPage(ctx, c, ownAPI+"/runs", "runs", filter.query(), request, (*wireRun).run)
}

// GetRun returns a run.
func (c *Client) GetRun(ctx context.Context, id string) (*RunDetails, error) {
	run := new(wireRunDetails)
	if err := c.transport.Call(ctx, "GET", transport.Path(ownAPI+"/runs/", id)+"?taskTake=1", nil, run); err != nil {
		return nil, fmt.Errorf("get run %s: %w", id, err)
	}
	return run.run(), nil
}

// CancelRun cancels a run. A run that has ended stays as it is. Code that is being
// executed for the run finds its context canceled at the next task.
func (c *Client) CancelRun(ctx context.Context, id string) error {
	if err := c.transport.Call(ctx, "POST", transport.Path("/api/v1/runs/", id, "/cancel"), nil, &struct{}{}); err != nil {
		return fmt.Errorf("cancel run %s: %w", id, err)
	}
	return nil
}

// CancelJobRuns cancels the runs of a job that have not ended.
func (c *Client) CancelJobRuns(ctx context.Context, jobID string) (*protocol.CanceledRuns, error) {
	canceled := new(protocol.CanceledRuns)
	if err := c.transport.Call(ctx, "POST", transport.Path("/api/v1/jobs/", jobID, "/cancel-runs"), nil, canceled); err != nil {
		return nil, fmt.Errorf("cancel the runs of job %s: %w", jobID, err)
	}
	return canceled, nil
}

// ContinueRun resumes a run that ended without success where it failed: tasks that have
// completed keep their results. When it ends again, it notifies again. The error for a run
// that has not ended, or ended with success, is an [*APIError] with status 409.
//
// The request is made once: if there is no answer, [Client.GetRun] says whether the run
// was resumed.
func (c *Client) ContinueRun(ctx context.Context, id string) error {
	if err := c.transport.CallOnce(ctx, "POST", transport.Path(ownAPI+"/runs/", id, "/continue"), nil, &struct{}{}); err != nil {
		return fmt.Errorf("continue run %s: %w", id, err)
	}
	return nil
}

// RerunRun starts a new run of the version of the job that a run is of, with its payload,
// context and account, however that run ended. It has no callback URL.
//
// The request is made once: if there is no answer, [Client.ListRuns] says whether there is
// a new run.
func (c *Client) RerunRun(ctx context.Context, id string) (InvokedRun, error) {
	var run InvokedRun
	if err := c.transport.CallOnce(ctx, "POST", transport.Path(ownAPI+"/runs/", id, "/rerun"), nil, &run); err != nil {
		return InvokedRun{}, fmt.Errorf("re-run run %s: %w", id, err)
	}
	return run, nil
}
