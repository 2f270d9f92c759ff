package dashboard

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
)

// pageSize is how many rows a list shows.
const pageSize = "50"

// listing is a page of a list.
type listing struct {
	// Next is the URL of the next page; empty on the last. First is that of the first, on
	// every other.
	Next, First string
	// Filtered is set when not all are shown.
	Filtered bool
}

// newListing says where the pages of a list are. query is that of this page, and cursor
// begins the next.
func newListing(r *http.Request, cursor string, filters ...string) listing {
	query := r.URL.Query()
	var l listing
	for _, filter := range filters {
		l.Filtered = l.Filtered || query.Get(filter) != ""
	}
	if query.Has("cursor") {
		first := r.URL.Query()
		first.Del("cursor")
		l.First = r.URL.Path + "?" + first.Encode()
	}
	if cursor != "" {
		query.Set("cursor", cursor)
		l.Next = r.URL.Path + "?" + query.Encode()
	}
	return l
}

// passOn copies parameters of a page to a query of the API.
func passOn(r *http.Request, names ...string) url.Values {
	query := url.Values{"take": {pageSize}}
	for _, name := range append(names, "cursor") {
		if value := r.URL.Query().Get(name); value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// listedRun is a run in a list.
type listedRun struct {
	client.Run
	DurationInMs int64 `json:"durationInMs"`
}

// Took is how long it took from its start to its end; 0 before.
func (r listedRun) Took() time.Duration { return time.Duration(r.DurationInMs) * time.Millisecond }

// group is a choice of statuses on the page of runs.
type group struct {
	Name, Title string
	statuses    []protocol.RunStatus
}

// groups are what people look for, in this order.
var groups = []group{
	{"", "All", nil},
	{"active", "Active", []protocol.RunStatus{protocol.RunQueued, protocol.RunExecuting, protocol.RunWaitingToExecute, protocol.RunWaitingToContinue}},
	{"failed", "Failed", []protocol.RunStatus{protocol.RunFailure, protocol.RunTimedOut, protocol.RunAborted, protocol.RunInvalidPayload, protocol.RunUnresolvedAuth}},
	{"canceled", "Canceled", []protocol.RunStatus{protocol.RunCanceled}},
	{"success", "Succeeded", []protocol.RunStatus{protocol.RunSuccess}},
}

// runs is the page of runs, newest first: those of a group of statuses and of a job.
func (d *Dashboard) runs(r *http.Request, e *Environment) (*page, error) {
	query := passOn(r, "job")
	chosen := r.URL.Query().Get("status")
	at := slices.IndexFunc(groups, func(g group) bool { return g.Name == chosen })
	if at < 0 {
		return nil, &apiError{http.StatusBadRequest, "There is no group of statuses " + chosen + "."}
	}
	for _, status := range groups[at].statuses {
		query.Add("status", string(status))
	}
	var listed struct {
		Runs       []listedRun
		NextCursor string
	}
	if err := d.ask(r.Context(), e, "GET", own+"/runs", query, nil, &listed); err != nil {
		return nil, err
	}
	return &page{Name: "runs", Section: "runs", Title: "Runs", Live: true, Data: map[string]any{
		"Runs": listed.Runs, "Listing": newListing(r, listed.NextCursor, "job", "status"), "Groups": groups, "Group": chosen, "Job": r.URL.Query().Get("job"),
	}}, nil
}

// runDetails is a run as the API shows it.
type runDetails struct {
	listedRun
	Output         json.RawMessage           `json:"output"`
	Error          json.RawMessage           `json:"error"`
	FailedTaskID   string                    `json:"failedTaskId"`
	AppID          string                    `json:"endpoint"`
	Statuses       []protocol.ProgressStatus `json:"statuses"`
	Notifications  []client.Notification     `json:"notifications"`
	Tasks          []task                    `json:"tasks"`
	NextTaskCursor string                    `json:"nextTaskCursor"`
	// WorkedInMs is how long its code ran in all.
	WorkedInMs int64 `json:"executionDurationInMs"`
}

// Worked is how long its code ran in all.
func (r *runDetails) Worked() time.Duration { return time.Duration(r.WorkedInMs) * time.Millisecond }

// Started is when it was first executed, or else created.
func (r *runDetails) Started() time.Time {
	if r.StartedAt.IsZero() {
		return r.CreatedAt
	}
	return r.StartedAt
}

// CanContinue reports whether it ended so that it may be resumed where it failed.
func (r *runDetails) CanContinue() bool {
	return r.Status.Terminal() && r.Status != protocol.RunSuccess
}

// Waits returns the tasks that it waits for.
func (r *runDetails) Waits() (open []task) {
	if r.Status.Terminal() {
		return nil
	}
	for _, t := range r.Tasks {
		if t.Status == protocol.TaskWaiting || t.Status == protocol.TaskRunning && t.Operation != "" {
			open = append(open, t)
		}
	}
	return open
}

// tasksShown is how many tasks of a run a page has.
const tasksShown = "1000"

// run is the page of a run.
func (d *Dashboard) run(r *http.Request, e *Environment) (*page, error) {
	id := r.PathValue("run")
	query := url.Values{"taskTake": {tasksShown}, "taskCursor": {r.URL.Query().Get("tasks")}}
	run := new(runDetails)
	if err := d.ask(r.Context(), e, "GET", path(own, "runs", id), query, nil, run); err != nil {
		return nil, err
	}
	ended := run.CompletedAt
	if ended.IsZero() {
		ended = d.Clock.Now()
	}
	more := ""
	if run.NextTaskCursor != "" {
		more = r.URL.Path + "?" + url.Values{"tasks": {run.NextTaskCursor}}.Encode()
	}
	return &page{Name: "run", Section: "runs", Title: run.Job.ID + " " + short(run.ID), Live: true, Data: map[string]any{
		"Run": run, "Rows": timeline(run.Tasks, run.Started(), ended), "Whole": ended.Sub(run.Started()), "MoreTasks": more,
		"Earlier": r.URL.Query().Has("tasks"), "Error": readError(run.Error),
	}}, nil
}

// shownError is an error of a run or task for people.
type shownError struct{ Name, Message, Stack string }

// readError reads an error as SDKs send it; anything else is its own message.
func readError(text json.RawMessage) *shownError {
	if len(text) == 0 {
		return nil
	}
	said := new(shownError)
	if json.Unmarshal(text, said) == nil && said.Message != "" {
		return said
	}
	var message string
	if json.Unmarshal(text, &message) == nil && message != "" {
		return &shownError{Message: message}
	}
	return &shownError{Message: pretty(text)}
}

func (d *Dashboard) cancelRun(r *http.Request, e *Environment) (string, error) {
	id := r.PathValue("run")
	return path("/env", e.Slug, "runs", id), d.ask(r.Context(), e, "POST", path("/api/v1/runs", id, "cancel"), nil, struct{}{}, nil)
}

func (d *Dashboard) continueRun(r *http.Request, e *Environment) (string, error) {
	id := r.PathValue("run")
	return path("/env", e.Slug, "runs", id), d.ask(r.Context(), e, "POST", path(own, "runs", id, "continue"), nil, struct{}{}, nil)
}

// rerun starts a new run of the same event, and goes to it.
func (d *Dashboard) rerun(r *http.Request, e *Environment) (string, error) {
	var started struct{ ID string }
	err := d.ask(r.Context(), e, "POST", path(own, "runs", r.PathValue("run"), "rerun"), nil, struct{}{}, &started)
	return path("/env", e.Slug, "runs", started.ID), err
}
