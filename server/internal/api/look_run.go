package api

import (
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/store"
)

// The tasks that a run's details have, when the caller does not say and at the
// most.
const (
	usualTasks = 200
	mostTasks  = 1000
	// mostNotifications is how many notifications they have.
	mostNotifications = 100
)

// detailedRun is everything about a run.
type detailedRun struct {
	listedRun
	// Output is the result, Error what ended it; one at the most is there.
	Output json.RawMessage `json:"output,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
	// FailedTaskID is the task whose error ended it.
	FailedTaskID string        `json:"failedTaskId,omitempty"`
	Event        detailedEvent `json:"event"`
	Account      *account      `json:"account,omitempty"`
	Endpoint     string        `json:"endpoint"`
	Tasks        []task        `json:"tasks"`
	// NextTask is where the next page of tasks begins; absent at the end.
	NextTask      string                     `json:"nextTaskCursor,omitempty"`
	Statuses      []protocol.RunStatusRecord `json:"statuses"`
	Notifications []notification             `json:"notifications"`
}

type detailedEvent struct {
	eventReference
	Source    string          `json:"source"`
	Payload   json.RawMessage `json:"payload"`
	Context   json.RawMessage `json:"context"`
	Timestamp protocol.Time   `json:"timestamp"`
	IsTest    bool            `json:"isTest"`
}

type account struct {
	ID       string          `json:"id"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// task is a task as people are shown it: without what it redacts.
type task struct {
	ID               string              `json:"id"`
	ParentID         string              `json:"parentId,omitempty"`
	DisplayKey       string              `json:"displayKey,omitempty"`
	Name             string              `json:"name"`
	Icon             string              `json:"icon,omitempty"`
	Description      string              `json:"description,omitempty"`
	Status           protocol.TaskStatus `json:"status"`
	Noop             bool                `json:"noop"`
	Operation        string              `json:"operation,omitempty"`
	Params           json.RawMessage     `json:"params,omitempty"`
	Properties       json.RawMessage     `json:"properties,omitempty"`
	OutputProperties json.RawMessage     `json:"outputProperties,omitempty"`
	Output           json.RawMessage     `json:"output,omitempty"`
	Error            json.RawMessage     `json:"error,omitempty"`
	Context          json.RawMessage     `json:"context,omitempty"`
	Style            json.RawMessage     `json:"style,omitempty"`
	StartedAt        protocol.Time       `json:"startedAt"`
	CompletedAt      *protocol.Time      `json:"completedAt"`
	DelayUntil       *protocol.Time      `json:"delayUntil,omitempty"`
	// DueAt is when it goes on by itself.
	DueAt *protocol.Time `json:"dueAt,omitempty"`
	// Attempts counts them all; FailedAttempts are those that another followed.
	Attempts       int           `json:"attempts"`
	FailedAttempts []taskAttempt `json:"failedAttempts,omitempty"`
}

type taskAttempt struct {
	Number   int           `json:"number"`
	Error    string        `json:"error"`
	FailedAt protocol.Time `json:"failedAt"`
	RetryAt  protocol.Time `json:"retryAt"`
}

// runDetails is GET /api/runhook/v1/runs/:id: everything about a run. Its tasks
// are a flat list in the order they were made, with the paging parameters
// taskCursor and taskTake.
func (a *API) runDetails(w http.ResponseWriter, r *request) error {
	take, err := numberParameter(r, "taskTake", usualTasks, mostTasks)
	if err != nil {
		return err
	}
	var told detailedRun
	var tasks []model.Task
	var attempts []store.TaskAttempt
	err = a.Store.View(r.Context(), func(tx *store.Tx) error {
		x, found, err := tx.Execution(r.PathValue("run"))
		if err != nil {
			return err
		}
		if !found || x.Run.EnvironmentID != r.environment.ID {
			return model.Errorf(model.NotFound, "Run not found")
		}
		told = tellExecution(x)
		if tasks, told.NextTask, err = pageOfTasks(tx, x.Run.ID, r.URL.Query().Get("taskCursor"), take); err != nil {
			return err
		}
		if attempts, err = attemptsOf(tx, tasks); err != nil {
			return err
		}
		if told.Statuses, err = tx.Statuses(x.Run.ID); err != nil {
			return err
		}
		told.Statuses = orEmpty(told.Statuses)
		notifications, err := tx.Notifications(r.environment.ID, store.NotificationFilter{RunID: x.Run.ID, Limit: mostNotifications})
		for _, n := range notifications {
			told.Notifications = append(told.Notifications, tellNotification(n))
		}
		told.Notifications = orEmpty(told.Notifications)
		return err
	})
	if err != nil {
		return err
	}
	told.Tasks = showTasks(tasks, attempts)
	return okReadable(w, told)
}

func tellExecution(x store.Execution) detailedRun {
	listed := store.ListedRun{Run: x.Run, JobSlug: x.Job.Slug, Version: x.Version, EventID: x.Event.EventID, EventName: x.Event.Name}
	if x.Account != nil {
		listed.Account = x.Account.Identifier
	}
	told := detailedRun{
		listedRun: tellRun(listed), FailedTaskID: x.Run.FailedTaskID, Endpoint: x.Endpoint.Slug,
		Event: detailedEvent{
			eventReference: eventReference{x.Event.EventID, x.Event.Name}, Source: x.Event.Source,
			Payload: model.HideSecrets(x.Event.Payload), Context: model.HideSecrets(x.Event.Context), Timestamp: protocol.At(x.Event.Timestamp), IsTest: x.Event.IsTest,
		},
	}
	if x.Account != nil {
		told.Account = &account{x.Account.Identifier, x.Account.Metadata}
	}
	if x.Run.Status == protocol.RunSuccess {
		told.Output = model.HideSecrets(x.Run.Output)
	} else if x.Run.Status.Terminal() {
		told.Error = model.HideSecrets(x.Run.Error())
	}
	return told
}

// pageOfTasks returns a page of a run's tasks, and where the next page begins.
func pageOfTasks(tx *store.Tx, runID, cursor string, take int) (tasks []model.Task, next string, err error) {
	tasks, err = tx.TasksOfRun(runID, cursor, false, take+1)
	if len(tasks) > take {
		next, tasks = tasks[take].ID, tasks[:take]
	}
	return tasks, next, err
}

func attemptsOf(tx *store.Tx, tasks []model.Task) ([]store.TaskAttempt, error) {
	ids := make([]string, len(tasks))
	for i, t := range tasks {
		ids[i] = t.ID
	}
	return tx.TaskAttempts(ids)
}

// showTasks returns tasks with their failed attempts. It is no part of a transaction:
// masking takes a while for tasks with a lot in them.
func showTasks(tasks []model.Task, attempts []store.TaskAttempt) []task {
	failed := map[string][]taskAttempt{}
	for _, at := range attempts {
		failed[at.TaskID] = append(failed[at.TaskID], taskAttempt{at.Number, at.Error, protocol.At(at.FailedAt), protocol.At(at.RetryAt)})
	}
	told := make([]task, len(tasks))
	for i, t := range tasks {
		told[i] = showTask(t)
		told[i].FailedAttempts = failed[t.ID]
	}
	return told
}

func showTask(t model.Task) task {
	shown := task{
		ID: t.ID, ParentID: t.ParentID, DisplayKey: t.DisplayKey, Name: t.Name, Icon: t.Icon, Description: t.Description,
		Status: t.Status, Noop: t.Noop, Operation: t.Operation, Params: model.HideSecrets(redact.Params(t)), Properties: t.Properties,
		OutputProperties: t.OutputProperties, Context: t.Context, Style: t.Style,
		StartedAt: protocol.At(t.StartedAt), CompletedAt: protocol.AtOrNil(t.CompletedAt), DelayUntil: protocol.AtOrNil(t.DelayUntil),
		DueAt: protocol.AtOrNil(t.DueAt), Attempts: t.Attempts,
	}
	if t.Status == protocol.TaskErrored {
		shown.Error = model.HideSecrets(t.Output)
	} else {
		shown.Output = model.HideSecrets(redact.Output(t.Output, t.Redact))
	}
	return shown
}
