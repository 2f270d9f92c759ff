package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/store"
)

// runPage says what of a run's tasks to tell.
type runPage struct {
	cursor          string
	take            int
	subtasks        bool
	details         bool
	parentsOfRoots  bool
	withoutNextPage bool
}

// getRun is GET /api/v2/runs/:runId (api.md 7.1).
func (a *API) getRun(w http.ResponseWriter, r *request) error {
	run, err := a.requestedRun(r)
	if err != nil {
		return err
	}
	return ok(w, run)
}

// getRunLegacy is the same for clients that know fewer statuses (api.md 3).
func (a *API) getRunLegacy(w http.ResponseWriter, r *request) error {
	run, err := a.requestedRun(r)
	if err != nil {
		return err
	}
	run.Status = legacyStatus(run.Status)
	return ok(w, run)
}

func legacyStatus(status protocol.RunStatus) protocol.RunStatus {
	switch status {
	case protocol.RunExecuting, protocol.RunWaitingToContinue, protocol.RunWaitingToExecute:
		return protocol.RunStarted
	}
	return status
}

func (a *API) requestedRun(r *request) (*protocol.Run, error) {
	page := runPage{cursor: r.URL.Query().Get("cursor")}
	var err error
	if page.take, err = numberParameter(r, "take", usualPage, mostPage); err != nil {
		return nil, err
	}
	if page.subtasks, err = flagParameter(r, "subtasks"); err != nil {
		return nil, err
	}
	if page.details, err = flagParameter(r, "taskdetails"); err != nil {
		return nil, err
	}
	// Parameters and outputs are for holders of the secret key only.
	page.details = page.details && !r.readOnly
	return a.readRun(r, page)
}

// readRun returns a run of the caller's environment with a page of its tasks.
func (a *API) readRun(r *request, page runPage) (*protocol.Run, error) {
	var run model.Run
	var tasks []model.Task
	var statuses []protocol.RunStatusRecord
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		var found bool
		var err error
		if run, found, err = tx.Run(r.environment.ID, r.PathValue("run")); err != nil {
			return err
		}
		if !found {
			return model.Errorf(model.NotFound, "Run not found")
		}
		if tasks, err = tx.TasksOfRun(run.ID, page.cursor, !page.subtasks, page.take+1); err != nil {
			return err
		}
		statuses, err = tx.Statuses(run.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	told := &protocol.Run{
		ID: run.ID, Status: run.Status, StartedAt: protocol.AtOrNil(run.StartedAt), UpdatedAt: protocol.AtOrNil(run.UpdatedAt),
		CompletedAt: protocol.AtOrNil(run.CompletedAt), Output: model.HideSecrets(run.Output), Statuses: orEmpty(statuses),
	}
	if len(tasks) > page.take {
		if !page.withoutNextPage {
			told.NextCursor = tasks[page.take].ID
		}
		tasks = tasks[:page.take]
	}
	told.Tasks = nest(tasks, page)
	return told, nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// nest puts the tasks of a page below their parents; those whose parent is on
// another page stay on top.
func nest(tasks []model.Task, page runPage) []protocol.RunTask {
	children := map[string][]model.Task{}
	present := map[string]bool{}
	for _, t := range tasks {
		present[t.ID] = true
	}
	var roots []model.Task
	for _, t := range tasks {
		if t.ParentID != "" && present[t.ParentID] {
			children[t.ParentID] = append(children[t.ParentID], t)
			continue
		}
		roots = append(roots, t)
	}
	return branchesOf(roots, children, page, true)
}

func branchesOf(tasks []model.Task, children map[string][]model.Task, page runPage, top bool) []protocol.RunTask {
	told := make([]protocol.RunTask, 0, len(tasks))
	for _, t := range tasks {
		task := protocol.RunTask{
			ID: t.ID, DisplayKey: nullable(t.DisplayKey), Status: t.Status, Name: t.Name, Icon: nullable(t.Icon),
			StartedAt: protocol.AtOrNil(t.StartedAt), CompletedAt: protocol.AtOrNil(t.CompletedAt),
		}
		if !top || page.parentsOfRoots {
			task.ParentID = nullable(t.ParentID)
		}
		if page.details {
			task.Params, task.Output = readable(model.HideSecrets(redact.Params(t))), readable(model.HideSecrets(redact.Output(t.Output, t.Redact)))
		}
		if below := children[t.ID]; len(below) > 0 {
			task.Subtasks = branchesOf(below, children, page, false)
		}
		told = append(told, task)
	}
	return told
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// cancelRun is POST /api/v1/runs/:runId/cancel (api.md 7.2).
func (a *API) cancelRun(w http.ResponseWriter, r *request) error {
	if err := a.Engine.Cancel(r.Context(), r.environment, r.PathValue("run")); err != nil {
		return err
	}
	run, err := a.readRun(r, runPage{take: usualPage + 1, parentsOfRoots: true, withoutNextPage: true})
	if err != nil {
		return err
	}
	return ok(w, run)
}

// continueRun is POST /api/runhook/v1/runs/:id/continue: a run that ended without
// success goes on from where it failed.
func (a *API) continueRun(w http.ResponseWriter, r *request) error {
	if err := a.Engine.Continue(r.Context(), r.environment, r.PathValue("run")); err != nil {
		return err
	}
	return ok(w, protocol.InvokedRun{ID: r.PathValue("run")})
}

// rerun is POST /api/runhook/v1/runs/:id/rerun: a new run of the same job version
// with the same payload.
func (a *API) rerun(w http.ResponseWriter, r *request) error {
	id, err := a.Engine.Rerun(r.Context(), r.environment, r.PathValue("run"))
	if err != nil {
		return err
	}
	return ok(w, protocol.InvokedRun{ID: id})
}

// log is POST /api/v1/runs/:runId/logs, which stores nothing (api.md 7.3).
func (a *API) log(w http.ResponseWriter, r *request) error {
	var body struct {
		Level   string          `json:"level"`
		Message *string         `json:"message"`
		Data    json.RawMessage `json:"data,omitempty"`
	}
	if err := readShown(r, &body); err != nil {
		return err
	}
	switch body.Level {
	case "DEBUG", "INFO", "WARN", "ERROR":
	default:
		return model.Errorf(model.Invalid, "Invalid request body: level must be DEBUG, INFO, WARN or ERROR, not %q", body.Level)
	}
	if body.Message == nil {
		return model.Errorf(model.Invalid, "Invalid request body: message is missing")
	}
	return ok(w, body)
}

// runStatuses is the answer to asking for a run's explicit statuses.
type runStatuses struct {
	Run struct {
		ID     string             `json:"id"`
		Status protocol.RunStatus `json:"status"`
		Output json.RawMessage    `json:"output,omitempty"`
	} `json:"run"`
	Statuses []protocol.RunStatusRecord `json:"statuses"`
}

// getStatuses is GET /api/v2/runs/:runId/statuses (api.md 9.2).
func (a *API) getStatuses(w http.ResponseWriter, r *request) error {
	statuses, err := a.requestedStatuses(r)
	if err != nil {
		return err
	}
	return ok(w, statuses)
}

// getStatusesLegacy is the same for clients that know fewer statuses.
func (a *API) getStatusesLegacy(w http.ResponseWriter, r *request) error {
	statuses, err := a.requestedStatuses(r)
	if err != nil {
		return err
	}
	statuses.Run.Status = legacyStatus(statuses.Run.Status)
	return ok(w, statuses)
}

func (a *API) requestedStatuses(r *request) (told runStatuses, err error) {
	err = a.Store.View(r.Context(), func(tx *store.Tx) error {
		run, found, err := tx.Run(r.environment.ID, r.PathValue("run"))
		if err != nil {
			return err
		}
		if !found {
			return model.Errorf(model.NotFound, "No run found for id %s", r.PathValue("run"))
		}
		told.Run.ID, told.Run.Status, told.Run.Output = run.ID, run.Status, run.Output
		told.Statuses, err = tx.Statuses(run.ID)
		told.Statuses = orEmpty(told.Statuses)
		return err
	})
	return told, err
}

// putStatus is PUT /api/v1/runs/:runId/statuses/:key (api.md 9.1).
func (a *API) putStatus(w http.ResponseWriter, r *request) error {
	var body struct {
		Label json.RawMessage `json:"label"`
		State json.RawMessage `json:"state"`
		Data  json.RawMessage `json:"data"`
	}
	if err := model.LimitStatusKey.Check("The key of a status", r.PathValue("status")); err != nil {
		return err
	}
	text, err := readObject(r, &body)
	if err != nil {
		return err
	}
	if body.Label == nil && body.State == nil && body.Data == nil {
		if err := checkMembers(text, &body, "a status has a label, a state and data"); err != nil {
			return err
		}
	}
	var update protocol.UpdateStatus
	var stateGiven bool
	if update.Label, _, err = textMember("label", body.Label); err != nil {
		return err
	}
	if update.State, stateGiven, err = textMember("state", body.State); err != nil {
		return err
	}
	switch update.State {
	case "loading", "success", "failure":
	default:
		if stateGiven {
			return model.Errorf(model.Invalid, "Invalid request body: state must be loading, success or failure, not %q", update.State)
		}
	}
	if body.Data != nil {
		if !bytes.HasPrefix(bytes.TrimSpace(body.Data), []byte("{")) {
			return model.Errorf(model.Invalid, "Invalid request body: data must be an object")
		}
		update.Data = body.Data
	}
	status, err := a.Engine.UpdateStatus(r.Context(), r.environment, r.PathValue("run"), r.PathValue("status"), update)
	if err != nil {
		return err
	}
	return ok(w, status)
}
