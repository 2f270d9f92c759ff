package api

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/store"
)

// runPage says which of a run's tasks to return.
type runPage struct {
	cursor          string
	take            int
	subtasks        bool
	details         bool
	parentsOfRoots  bool
	withoutNextPage bool
}

// getRun is GET /api/v2/runs/:runId (docs/protocol/api.md §7.1).
func (a *API) getRun(w http.ResponseWriter, r *request) error {
	return a.requestedRun(w, r, sameStatus)
}

// getRunLegacy is the same for clients that know fewer statuses
// (docs/protocol/api.md §3).
func (a *API) getRunLegacy(w http.ResponseWriter, r *request) error {
	return a.requestedRun(w, r, legacyStatus)
}

func sameStatus(status protocol.RunStatus) protocol.RunStatus { return status }

func legacyStatus(status protocol.RunStatus) protocol.RunStatus {
	switch status {
	case protocol.RunExecuting, protocol.RunWaitingToContinue, protocol.RunWaitingToExecute:
		return protocol.RunStarted
	}
	return status
}

func (a *API) requestedRun(w http.ResponseWriter, r *request, status func(protocol.RunStatus) protocol.RunStatus) error {
	page := runPage{cursor: r.URL.Query().Get("cursor")}
	var err error
	if page.take, err = numberParameter(r, "take", usualPage, mostPage); err != nil {
		return err
	}
	if page.subtasks, err = flagParameter(r, "subtasks"); err != nil {
		return err
	}
	if page.details, err = flagParameter(r, "taskdetails"); err != nil {
		return err
	}
	// Parameters and outputs are for callers with the secret key only.
	page.details = page.details && !r.readOnly
	return a.answerRun(w, r, page, status)
}

// answerRun answers with a run of the caller's environment and a page of its tasks. The
// protocol has no pages for the output and the statuses, which have bounds of their own.
func (a *API) answerRun(w http.ResponseWriter, r *request, page runPage, status func(protocol.RunStatus) protocol.RunStatus) error {
	return a.answerLarge(w, r, func(j *jsonWriter, room reserve) error {
		run, tasks, next, err := a.readRun(r, page, room)
		if err != nil {
			return err
		}
		j.open()
		j.member("id", run.ID)
		j.member("status", status(run.Status))
		j.member("startedAt", run.StartedAt)
		j.member("updatedAt", run.UpdatedAt)
		j.member("completedAt", run.CompletedAt)
		j.member("output", run.Output)
		writeList(j, "tasks", nest(tasks, page))
		writeList(j, "statuses", run.Progress)
		if next != "" && !page.withoutNextPage {
			j.member("nextCursor", next)
		}
		j.end()
		return nil
	})
}

// readRun returns a run of the caller's environment, a page of its tasks, and where the
// next page begins.
func (a *API) readRun(r *request, page runPage, room reserve) (shown protocol.Run, tasks []model.Task, next string, err error) {
	texts := store.TaskHeads
	if page.details {
		texts = store.WholeTasks
	}
	err = a.Store.View(r.Context(), func(tx *store.Tx) error {
		id := r.PathValue("run")
		if err := room.of(tx.RunBytes(id)); err != nil {
			return err
		}
		run, found, err := tx.Run(r.environment.ID, id)
		if err != nil {
			return err
		}
		if !found {
			return model.Errorf(model.NotFound, "Run not found")
		}
		shown = protocol.Run{
			ID: run.ID, Status: run.Status, StartedAt: protocol.AtOrNil(run.StartedAt), UpdatedAt: protocol.AtOrNil(run.UpdatedAt),
			CompletedAt: protocol.AtOrNil(run.CompletedAt), Output: run.Output,
		}
		tasks, next, err = tx.TasksOfRun(run.ID, page.cursor, !page.subtasks, texts, store.Page{Items: page.take, Bytes: answer.PageBytes, Reserve: room})
		if err != nil {
			return err
		}
		shown.Progress, err = tx.Statuses(run.ID)
		return err
	})
	return shown, tasks, next, err
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
	response := make([]protocol.RunTask, 0, len(tasks))
	for _, t := range tasks {
		task := protocol.RunTask{
			ID: t.ID, DisplayKey: nullable(t.DisplayKey), Status: t.Status, Name: t.Name, Icon: nullable(t.Icon),
			StartedAt: protocol.AtOrNil(t.StartedAt), CompletedAt: protocol.AtOrNil(t.CompletedAt),
		}
		if !top || page.parentsOfRoots {
			task.ParentID = nullable(t.ParentID)
		}
		if page.details {
			task.Params, task.Output = readable(redact.Params(t)), readable(redact.Output(t.Output, t.Redact))
		}
		if below := children[t.ID]; len(below) > 0 {
			task.Subtasks = branchesOf(below, children, page, false)
		}
		response = append(response, task)
	}
	return response
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// cancelRun is POST /api/v1/runs/:runId/cancel (docs/protocol/api.md §7.2).
func (a *API) cancelRun(w http.ResponseWriter, r *request) error {
	if err := a.Runs.Cancel(r.Context(), r.environment, r.PathValue("run")); err != nil {
		return err
	}
	return a.answerRun(w, r, runPage{take: usualPage + 1, parentsOfRoots: true, withoutNextPage: true}, sameStatus)
}

// continueRun is POST /api/runhook/v1/runs/:id/continue: a run that ended without
// success is continued from where it failed.
func (a *API) continueRun(w http.ResponseWriter, r *request) error {
	if err := a.Runs.Continue(r.Context(), r.environment, r.PathValue("run")); err != nil {
		return err
	}
	return r.ok(w, protocol.InvokedRun{ID: r.PathValue("run")})
}

// rerun is POST /api/runhook/v1/runs/:id/rerun: a new run of the same job version
// with the same payload.
func (a *API) rerun(w http.ResponseWriter, r *request) error {
	id, err := a.Runs.Rerun(r.Context(), r.environment, r.PathValue("run"))
	if err != nil {
		return err
	}
	return r.ok(w, protocol.InvokedRun{ID: id})
}

// log is POST /api/v1/runs/:runId/logs, which stores nothing
// (docs/protocol/api.md §7.3).
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
	return r.ok(w, body)
}

// getStatuses is GET /api/v2/runs/:runId/statuses (docs/protocol/api.md §9.2).
func (a *API) getStatuses(w http.ResponseWriter, r *request) error {
	return a.requestedStatuses(w, r, sameStatus)
}

// getStatusesLegacy is the same for clients that know fewer statuses.
func (a *API) getStatusesLegacy(w http.ResponseWriter, r *request) error {
	return a.requestedStatuses(w, r, legacyStatus)
}

// requestedStatuses answers with all statuses of a run: the protocol has no pages for
// them. They are as many and as large as [runs.Engine.UpdateStatus] lets them be.
func (a *API) requestedStatuses(w http.ResponseWriter, r *request, status func(protocol.RunStatus) protocol.RunStatus) error {
	type state struct {
		ID     string             `json:"id"`
		Status protocol.RunStatus `json:"status"`
		Output json.RawMessage    `json:"output,omitempty"`
	}
	return a.answerLarge(w, r, func(j *jsonWriter, room reserve) error {
		var run state
		var statuses []protocol.ProgressStatus
		err := a.Store.View(r.Context(), func(tx *store.Tx) error {
			id := r.PathValue("run")
			if err := room.of(tx.RunBytes(id)); err != nil {
				return err
			}
			found, ok, err := tx.Run(r.environment.ID, id)
			if err != nil {
				return err
			}
			if !ok {
				return model.Errorf(model.NotFound, "No run found for id %s", id)
			}
			run = state{found.ID, status(found.Status), found.Output}
			statuses, err = tx.Statuses(found.ID)
			return err
		})
		if err != nil {
			return err
		}
		j.open()
		j.member("run", run)
		writeList(j, "statuses", statuses)
		j.end()
		return nil
	})
}

// putStatus is PUT /api/v1/runs/:runId/statuses/:key (docs/protocol/api.md §9.1).
func (a *API) putStatus(w http.ResponseWriter, r *request) error {
	var body struct {
		Label json.RawMessage `json:"label"`
		State json.RawMessage `json:"state"`
		Data  json.RawMessage `json:"data"`
	}
	if err := checkKeyInPath(r); err != nil {
		return err
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
	var update protocol.UpdateProgress
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
	status, err := a.Runs.UpdateStatus(r.Context(), r.environment, r.PathValue("run"), r.PathValue("status"), update)
	if err != nil {
		return err
	}
	return a.okForApp(w, r, status)
}
