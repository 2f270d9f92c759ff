package api

import (
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/runs/why"
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

// detailedRun is everything about a run but its lists.
type detailedRun struct {
	listedRun
	// Output is the result, Error what ended it; one at the most is there.
	Output json.RawMessage `json:"output,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
	// FailedTaskID is the task whose error ended it.
	FailedTaskID string `json:"failedTaskId,omitempty"`
	// TasksNotAsked are tasks on record that its code had not asked for when it returned.
	TasksNotAsked *model.TasksNotAsked `json:"tasksNotAsked,omitempty"`
	Event         detailedEvent        `json:"event"`
	Account       *account             `json:"account,omitempty"`
	Endpoint      string               `json:"endpoint"`
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
	// DueAt is when it resumes by itself.
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
	return a.answerLarge(w, r, func(j *jsonWriter, room reserve) error {
		details, err := a.readDetails(r, store.Page{Items: take, Bytes: answer.PageBytes, Reserve: room})
		if err != nil {
			return err
		}
		j.open()
		j.members(encodeExecution(details.execution))
		failed := failedAttempts(details.attempts)
		j.list("tasks", func() {
			for _, t := range details.tasks {
				shown := showTask(t)
				shown.FailedAttempts = failed[t.ID]
				j.item(&shown)
			}
		})
		if details.nextTask != "" {
			j.member("nextTaskCursor", details.nextTask)
		}
		if details.why != nil {
			j.member("why", details.why)
		}
		writeList(j, "statuses", details.statuses)
		writeList(j, "notifications", mapped(details.notifications, encodeNotification))
		j.end()
		return nil
	})
}

// runParts are what is read for the details of a run. They are shown outside of the
// transaction: masking takes a while for tasks with a lot in them.
type runParts struct {
	execution     store.Execution
	tasks         []model.Task
	nextTask      string
	attempts      []store.TaskAttempt
	statuses      []protocol.ProgressStatus
	notifications []model.Notification
	// why is nil for a run that has ended.
	why *why.Answer
}

// readDetails reads a run with a page of its tasks.
func (a *API) readDetails(r *request, page store.Page) (d runParts, err error) {
	id := r.PathValue("run")
	err = a.Store.View(r.Context(), func(tx *store.Tx) error {
		if err := reserve(page.Reserve).of(tx.ExecutionBytes(id)); err != nil {
			return err
		}
		var found bool
		if d.execution, found, err = tx.Execution(id); err != nil {
			return err
		}
		if !found || d.execution.Run.EnvironmentID != r.environment.ID {
			return model.Errorf(model.NotFound, "Run not found")
		}
		if d.tasks, d.nextTask, err = tx.TasksOfRun(id, r.URL.Query().Get("taskCursor"), false, store.WholeTasks, page); err != nil {
			return err
		}
		ids := mapped(d.tasks, func(t model.Task) string { return t.ID })
		if d.attempts, err = tx.TaskAttempts(ids); err != nil {
			return err
		}
		if !d.execution.Run.Status.Terminal() {
			reason, err := a.Runs.Why(tx, r.environment, id)
			if err != nil {
				return err
			}
			d.why = &reason
		}
		if d.statuses, err = tx.Statuses(id); err != nil {
			return err
		}
		d.notifications, _, err = tx.Notifications(r.environment.ID, store.NotificationFilter{RunID: id}, store.Page{Items: mostNotifications})
		return err
	})
	return d, err
}

func encodeExecution(x store.Execution) detailedRun {
	listed := store.ListedRun{Run: x.Run, JobSlug: x.Job.Slug, Version: x.Version, EventID: x.Event.EventID, EventName: x.Event.Name}
	if x.Account != nil {
		listed.Account = x.Account.Identifier
	}
	response := detailedRun{
		listedRun: encodeRun(listed), FailedTaskID: x.Run.FailedTaskID, TasksNotAsked: x.Run.NotAsked, Endpoint: x.Endpoint.Slug,
		Event: detailedEvent{
			eventReference: eventReference{x.Event.EventID, x.Event.Name}, Source: x.Event.Source,
			Payload: x.Event.Payload, Context: x.Event.Context, Timestamp: protocol.At(x.Event.Timestamp), IsTest: x.Event.IsTest,
		},
	}
	if x.Account != nil {
		response.Account = &account{x.Account.Identifier, x.Account.Metadata}
	}
	if x.Run.Status == protocol.RunSuccess {
		response.Output = x.Run.Output
	} else if x.Run.Status.Terminal() {
		response.Error = x.Run.Error()
	}
	return response
}

// failedAttempts returns the failed attempts of each task.
func failedAttempts(attempts []store.TaskAttempt) map[string][]taskAttempt {
	failed := map[string][]taskAttempt{}
	for _, at := range attempts {
		failed[at.TaskID] = append(failed[at.TaskID], taskAttempt{at.Number, at.Error, protocol.At(at.FailedAt), protocol.At(at.RetryAt)})
	}
	return failed
}

func showTask(t model.Task) task {
	shown := task{
		ID: t.ID, ParentID: t.ParentID, DisplayKey: t.DisplayKey, Name: t.Name, Icon: t.Icon, Description: t.Description,
		Status: t.Status, Noop: t.Noop, Operation: t.Operation, Params: redact.Params(t), Properties: t.Properties,
		OutputProperties: t.OutputProperties, Context: t.Context, Style: t.Style,
		StartedAt: protocol.At(t.StartedAt), CompletedAt: protocol.AtOrNil(t.CompletedAt), DelayUntil: protocol.AtOrNil(t.DelayUntil),
		DueAt: protocol.AtOrNil(t.DueAt), Attempts: t.Attempts,
	}
	if t.Status == protocol.TaskErrored {
		shown.Error = t.Output
	} else {
		shown.Output = redact.Output(t.Output, t.Redact)
	}
	return shown
}
