package api

import (
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
)

// createTask is POST /api/v1/runs/:runId/tasks (docs/protocol/api.md §8.1 to §8.3).
func (a *API) createTask(w http.ResponseWriter, r *request) error {
	key := r.Header.Get(protocol.HeaderIdempotencyKey)
	if key == "" {
		return model.Errorf(model.Invalid, "Invalid or Missing idempotency key")
	}
	if err := model.LimitTaskKey.Check(protocol.HeaderIdempotencyKey, key); err != nil {
		return err
	}
	var body struct {
		protocol.CreateTask
		// ParentID hides the task's, which would take null for none.
		ParentID json.RawMessage `json:"parentId"`
		// DelayUntil hides the task's, whose error does not say what it is of.
		DelayUntil json.RawMessage `json:"delayUntil"`
	}
	err := readShown(r, &body)
	if err != nil {
		return err
	}
	if body.CreateTask.ParentID, _, err = textMember("parentId", body.ParentID); err != nil {
		return err
	}
	if err := readDate("delayUntil", body.DelayUntil, &body.CreateTask.DelayUntil); err != nil {
		return err
	}
	if err := checkTask(body.CreateTask); err != nil {
		return err
	}
	runID := r.PathValue("run")
	task, forceYield, err := a.Runs.CreateTask(r.Context(), r.environment, runID, key, body.CreateTask)
	if err != nil {
		return err
	}
	response := encodeTask(task, a.Runs.CallbackURL(task), forceYield)
	if r.Header.Get(protocol.HeaderVersion) != protocol.VersionLazyCachedTasks {
		return a.okForApp(w, r, response)
	}
	created := protocol.CreatedTask{Task: response}
	if cursor := r.Header.Get(protocol.HeaderCachedTaskCursor); cursor != "" {
		page, err := a.Runs.CachedTasks(r.Context(), runID, cursor)
		if err != nil {
			return err
		}
		created.CachedTasks = &page
	}
	w.Header().Set(protocol.HeaderVersion, protocol.VersionLazyCachedTasks)
	return a.okForApp(w, r, created)
}

// checkTask finds what the clients' own schema would not let pass.
func checkTask(t protocol.CreateTask) error {
	if err := model.LimitTaskKey.Check("Invalid request body: idempotencyKey", t.IdempotencyKey); err != nil {
		return err
	}
	switch {
	case t.IdempotencyKey == "":
		return model.Errorf(model.Invalid, "Invalid request body: idempotencyKey is missing")
	case t.Style != nil && t.Style.Style != "normal" && t.Style.Style != "minimal":
		return model.Errorf(model.Invalid, "Invalid request body: style.style must be normal or minimal, not %q", t.Style.Style)
	}
	if t.Redact != nil {
		if err := redact.CheckPaths(t.Redact.Paths); err != nil {
			return model.Errorf(model.Invalid, "Invalid request body: redact %v", err)
		}
	}
	switch t.Operation {
	case "", "fetch", "fetch-response", "fetch-poll":
		return nil
	}
	return model.Errorf(model.Invalid, "Invalid request body: operation must be fetch, fetch-response or fetch-poll, not %q", t.Operation)
}

// encodeTask returns a task as the protocol has it (docs/protocol/api.md §8.3).
func encodeTask(t model.Task, callbackURL string, forceYield bool) protocol.Task {
	response := protocol.Task{
		ID: t.ID, Name: t.Name, Icon: nullable(t.Icon), Noop: t.Noop,
		StartedAt: protocol.AtOrNil(t.StartedAt), CompletedAt: protocol.AtOrNil(t.CompletedAt), DelayUntil: protocol.AtOrNil(t.DelayUntil),
		Status: t.Status, Description: nullable(t.Description), Params: t.Params, Output: t.Output, Context: t.Context,
		ParentID: nullable(t.ParentID), Attempts: t.Attempts, IdempotencyKey: t.IdempotencyKey,
		Operation: nullable(t.Operation), CallbackURL: nullable(callbackURL), ForceYield: forceYield,
		ChildExecutionMode: "SEQUENTIAL",
	}
	if t.Parallel {
		response.ChildExecutionMode = "PARALLEL"
	}
	// These were encoded by this server, so they decode.
	decodeStored(t.Properties, &response.Properties)
	decodeStored(t.OutputProperties, &response.OutputProperties)
	decodeStored(t.Style, &response.Style)
	// Absent means that the task returned nothing; until it has ended, null.
	if response.Output == nil && !t.Status.Terminal() {
		response.Output = json.RawMessage("null")
	}
	return response
}

func decodeStored(text []byte, into any) {
	if text != nil {
		_ = json.Unmarshal(text, into)
	}
}

// completeTask is POST /api/v1/runs/:runId/tasks/:id/complete
// (docs/protocol/api.md §8.5).
func (a *API) completeTask(w http.ResponseWriter, r *request) error {
	var body struct {
		Output     json.RawMessage            `json:"output"`
		Properties []protocol.DisplayProperty `json:"properties"`
	}
	text, err := readObject(r, &body)
	if err != nil {
		return err
	}
	if body.Output == nil && body.Properties == nil {
		if err := checkMembers(text, &body, `what the task returned belongs into the member "output"`); err != nil {
			return err
		}
	}
	output := []byte(body.Output)
	if r.Header.Get(protocol.HeaderVersion) == protocol.VersionSerializedOutput {
		if output, err = serialized(body.Output); err != nil {
			return err
		}
	}
	// docs/protocol/api.md §8.5.
	if err := model.CheckOutput(output); err != nil {
		return err
	}
	task, forceYield, err := a.Runs.CompleteTask(r.Context(), r.environment, r.PathValue("run"), r.PathValue("task"), output, body.Properties)
	if err != nil {
		return err
	}
	return a.okForApp(w, r, encodeTask(task, a.Runs.CallbackURL(task), forceYield))
}

// serialized returns the JSON that an output holds as text; nil for none.
func serialized(raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		return nil, model.Errorf(model.Invalid, "Invalid request body: output must be JSON text in a string")
	}
	if *text == "" {
		return nil, nil
	}
	if err := checkDepth("output", []byte(*text)); err != nil {
		return nil, err
	}
	if !json.Valid([]byte(*text)) {
		return nil, model.Errorf(model.Invalid, "Invalid request body: output is not JSON text: %.100s", *text)
	}
	return []byte(*text), nil
}

// failTask is POST /api/v1/runs/:runId/tasks/:id/fail (docs/protocol/api.md §8.6).
func (a *API) failTask(w http.ResponseWriter, r *request) error {
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	if err := readShown(r, &body); err != nil {
		return err
	}
	if body.Error == nil {
		return model.Errorf(model.Invalid, "Invalid request body: error is missing")
	}
	task, forceYield, err := a.Runs.FailTask(r.Context(), r.environment, r.PathValue("run"), r.PathValue("task"), body.Error)
	if err != nil {
		return err
	}
	return a.okForApp(w, r, encodeTask(task, a.Runs.CallbackURL(task), forceYield))
}

// callBack is POST /api/v1/tasks/:id/callback/:secret, where the secret is the
// only credential (docs/protocol/api.md §8.7). An empty body stands for null.
func (a *API) callBack(w http.ResponseWriter, r *request) error {
	environmentID, err := a.Runs.AwaitsCallback(r.Context(), r.PathValue("task"), r.PathValue("secret"))
	if err != nil {
		return err
	}
	if environmentID == "" { // it came late, or twice
		return r.ok(w, map[string]bool{"success": true})
	}
	r.room = a.Rooms.Keyed
	body, err := r.read(environmentID, maximumBody)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		body = []byte("null")
	}
	if err := checkDepth("", body); err != nil {
		return err
	}
	var value json.RawMessage
	if err := decodeJSON(body, &value); err != nil {
		return err
	}
	if err := a.Runs.CallBack(r.Context(), r.PathValue("task"), r.PathValue("secret"), value); err != nil {
		return err
	}
	return r.ok(w, map[string]bool{"success": true})
}
