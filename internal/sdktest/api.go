package sdktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// Where tasks that wait for their callback are called back.
const (
	callbackPath = "/callback/"
	callbackURL  = "http://sdktest" + callbackPath
)

func (s *Server) route(w http.ResponseWriter, r *http.Request, body []byte) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/api/"), "/")
	for i := range parts {
		parts[i], _ = url.PathUnescape(parts[i])
	}
	switch {
	case len(parts) == 4 && parts[1] == "jobs" && parts[3] == "invoke":
		s.invoke(w, r, parts[2], body)
	case len(parts) == 2 && parts[1] == "endpoints":
		respond(w, http.StatusOK, map[string]any{"updatedAt": protocol.At(s.now), "endpointIndex": map[string]string{"id": "index_1"}})
	case len(parts) == 3 && parts[1] == "endpointindex":
		respond(w, http.StatusOK, map[string]any{"status": "SUCCESS", "updatedAt": protocol.At(s.now)})
	case len(parts) >= 2 && parts[1] == "events":
		s.routeEvents(w, r, parts[2:], body)
	case len(parts) == 3 && parts[1] == "event-dispatchers":
		s.waitForEvent(w, body)
	case len(parts) == 5 && parts[2] == "schedules":
		s.changeSchedule(w, parts[3], "", body)
	case len(parts) == 6 && parts[2] == "schedules":
		s.changeSchedule(w, parts[3], parts[5], nil)
	case len(parts) == 3 && parts[1] == "store":
		s.changeValue(w, r.Method, parts[2], body)
	case len(parts) == 4 && parts[0] == "runhook" && parts[2] == "runs":
		s.runDetails(w, parts[3])
	case strings.HasPrefix(r.URL.Path, callbackPath):
		s.callBack(callbackURL+strings.TrimPrefix(r.URL.Path, callbackPath), body)
		respond(w, http.StatusOK, map[string]bool{"success": true})
	case len(parts) >= 3 && parts[1] == "runs":
		if run := s.find(parts[2]); run != nil {
			run.route(w, r, parts[3:], body)
			return
		}
		fallthrough
	default:
		respond(w, http.StatusNotFound, map[string]string{"error": "Not found: " + r.URL.Path})
	}
}

func (s *Server) routeEvents(w http.ResponseWriter, r *http.Request, parts []string, body []byte) {
	var one protocol.SendEvent
	var many protocol.SendEvents
	switch {
	case len(parts) == 0:
		json.Unmarshal(body, &one)
		respond(w, http.StatusOK, s.sendEvent(one.Event, one.Options).log)
	case parts[0] == "bulk":
		json.Unmarshal(body, &many)
		respond(w, http.StatusOK, s.sendEvents(many.Events, many.Options))
	case len(parts) == 1:
		s.changeEvent(w, parts[0], "")
	default:
		s.changeEvent(w, parts[0], parts[1])
	}
}

func (s *Server) invoke(w http.ResponseWriter, r *http.Request, job string, body []byte) {
	var request protocol.InvokeJob
	if json.Unmarshal(body, &request) != nil {
		respond(w, http.StatusBadRequest, map[string]string{"error": "Invalid request body"})
		return
	}
	key := r.Header.Get(protocol.HeaderIdempotencyKey)
	for _, run := range s.runs {
		if key != "" && run.EventID == key {
			if run.Job != job {
				respond(w, http.StatusBadRequest, map[string]string{"error": "The idempotency key was used for another job"})
				return
			}
			respond(w, http.StatusOK, protocol.InvokedRun{ID: run.ID})
			return
		}
	}
	respond(w, http.StatusOK, protocol.InvokedRun{ID: s.start(job, key, request).ID})
}

func (run *Run) route(w http.ResponseWriter, r *http.Request, parts []string, body []byte) {
	switch call := r.Method + " " + strings.Join(parts, "/"); {
	case call == "POST tasks":
		run.createTask(w, r, body)
	case len(parts) == 3 && parts[0] == "tasks":
		run.endTask(w, parts[1], parts[2], body)
	case len(parts) == 2 && parts[0] == "statuses" && r.Method == http.MethodPut:
		run.updateStatus(w, parts[1], body)
	case call == "POST cancel":
		run.cancel()
		respond(w, http.StatusOK, run.wire())
	case call == "GET ":
		respond(w, http.StatusOK, run.wire())
	case call == "GET statuses":
		respond(w, http.StatusOK, map[string]any{"run": run.wire(), "statuses": run.Progress})
	default:
		respond(w, http.StatusNotFound, map[string]string{"error": "Not found: " + call})
	}
}

// runDetails answers with a run as the server's own API does, as far as tests need it.
func (s *Server) runDetails(w http.ResponseWriter, id string) {
	run := s.find(id)
	if run == nil {
		respond(w, http.StatusNotFound, map[string]string{"error": "Run not found"})
		return
	}
	details := map[string]any{
		"id": run.ID, "status": run.Status, "job": protocol.JobReference{ID: run.Job}, "statuses": run.Progress,
		"event": map[string]any{"id": run.EventID},
	}
	if run.Output != nil {
		details["output"] = run.Output
	}
	if run.Error != nil {
		details["error"] = run.Error
	}
	respond(w, http.StatusOK, details)
}

func (run *Run) wire() protocol.Run {
	output := run.Output
	if run.Error != nil {
		output = run.Error
	}
	return protocol.Run{ID: run.ID, Status: run.Status, Output: output, Tasks: run.tasksIn(nil), Progress: run.Progress}
}

// tasksIn returns the tasks inside of one, or those inside of none.
func (run *Run) tasksIn(parent *string) []protocol.RunTask {
	tasks := []protocol.RunTask{}
	for _, task := range run.tasks {
		if (parent == nil) != (task.ParentID == nil) || parent != nil && *parent != *task.ParentID {
			continue
		}
		shown := protocol.RunTask{
			ID: task.ID, ParentID: task.ParentID, Status: task.Status, Name: task.Name, Params: task.Params, Output: task.Output,
			Subtasks: run.tasksIn(&task.ID),
		}
		if task.displayKey != "" {
			shown.DisplayKey = &task.displayKey
		}
		tasks = append(tasks, shown)
	}
	return tasks
}

func (run *Run) createTask(w http.ResponseWriter, r *http.Request, body []byte) {
	var request protocol.CreateTask
	key := r.Header.Get(protocol.HeaderIdempotencyKey)
	if err := json.Unmarshal(body, &request); err != nil || key == "" {
		respond(w, http.StatusBadRequest, map[string]string{"error": "Invalid request body"})
		return
	}
	task := run.taskByKey(key)
	if task == nil {
		task = run.newTask(key, &request)
	}
	if task.Status != protocol.TaskCompleted {
		task.askedIn = len(run.Answers)
	}
	task.ForceYield = run.ForceYield
	created := protocol.CreatedTask{Task: task.Task}
	if cursor := r.Header.Get(protocol.HeaderCachedTaskCursor); cursor != "" {
		page := &protocol.CachedTasks{}
		page.Tasks, page.Cursor = run.cachedTasks(cursor)
		created.CachedTasks = page
	}
	w.Header().Set(protocol.HeaderVersion, protocol.VersionLazyCachedTasks)
	respond(w, http.StatusOK, created)
}

func (run *Run) newTask(key string, request *protocol.CreateTask) *task {
	s := run.server
	s.tasks++
	created := &task{displayKey: request.DisplayKey, askedIn: len(run.Answers), Task: protocol.Task{
		ID: fmt.Sprintf("task_%04d", s.tasks), Name: request.Name, Noop: request.Noop, Status: protocol.TaskRunning,
		StartedAt: protocol.AtOrNil(s.now), DelayUntil: request.DelayUntil, Params: request.Params,
		Attempts: 1, IdempotencyKey: key, Output: json.RawMessage("null"), Properties: request.Properties,
	}}
	if request.ParentID != "" {
		created.ParentID = &request.ParentID
	}
	delayed := request.DelayUntil != nil && request.DelayUntil.After(s.now)
	waitsForCallback := request.Callback != nil && request.Callback.Enabled
	switch {
	case run.Status == protocol.RunCanceled:
		created.Status = protocol.TaskCanceled
	case delayed, waitsForCallback:
		created.Status = protocol.TaskWaiting
		if delayed {
			created.due = request.DelayUntil.Time
		}
	case request.Noop:
		created.Status = protocol.TaskCompleted
	}
	if waitsForCallback {
		created.CallbackURL = new(callbackURL + created.ID)
		if timeout := request.Callback.TimeoutInSeconds; timeout != nil && *timeout > 0 {
			created.due = s.now.Add(seconds(*timeout))
		}
	}
	run.tasks = append(run.tasks, created)
	return created
}

func (run *Run) endTask(w http.ResponseWriter, id, verb string, body []byte) {
	ended := run.taskByID(id)
	if ended == nil {
		respond(w, http.StatusNotFound, map[string]string{"message": "Task not found"})
		return
	}
	switch verb {
	case "complete":
		var request protocol.CompleteTask
		if json.Unmarshal(body, &request) != nil || request.Output != "" && !json.Valid([]byte(request.Output)) ||
			protocol.CheckDepth([]byte(request.Output), protocol.MaxDepth) != nil {
			respond(w, http.StatusBadRequest, map[string]string{"error": "Invalid request body"})
			return
		}
		if len(request.Output) > 3<<20 {
			respond(w, http.StatusBadRequest, map[string]string{"error": "Output must be less than 3MB"})
			return
		}
		ended.complete(request)
	case "fail":
		var request protocol.FailTask
		if json.Unmarshal(body, &request) != nil || request.Error.Message == "" {
			respond(w, http.StatusBadRequest, map[string]string{"error": "Invalid request body"})
			return
		}
		ended.fail(request.Error)
	}
	ended.ForceYield = run.ForceYield
	respond(w, http.StatusOK, ended.Task)
}

func (run *Run) updateStatus(w http.ResponseWriter, key string, body []byte) {
	var update protocol.UpdateProgress
	if json.Unmarshal(body, &update) != nil {
		respond(w, http.StatusBadRequest, map[string]string{"error": "Invalid request body"})
		return
	}
	for i := range run.Progress {
		if record := &run.Progress[i]; record.Key == key {
			record.History = append(record.History, protocol.ProgressSnapshot{Label: record.Label, State: record.State, Data: record.Data})
			record.Label, record.State = or(update.Label, record.Label), or(update.State, record.State)
			if update.Data != nil {
				record.Data = update.Data
			}
			respond(w, http.StatusOK, record)
			return
		}
	}
	record := protocol.ProgressStatus{
		Key: key, Label: or(update.Label, key), State: update.State, Data: update.Data, History: []protocol.ProgressSnapshot{},
	}
	run.Progress = append(run.Progress, record)
	respond(w, http.StatusOK, record)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
