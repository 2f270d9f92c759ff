package sdktest

import (
	"encoding/json"
	"net/http"

	"github.com/runhook/runhook/internal/eventfilter"
	"github.com/runhook/runhook/protocol"
)

// Schedules returns what is registered with a dynamic schedule, by key.
func (s *Server) Schedules(id string) map[string]protocol.RegisterSchedule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.schedules[id]
}

func (s *Server) changeSchedule(w http.ResponseWriter, id, key string, body []byte) {
	if body == nil {
		if _, ok := s.schedules[id][key]; !ok {
			respond(w, http.StatusBadRequest, map[string]string{"error": "no schedule is registered under this key"})
			return
		}
		delete(s.schedules[id], key)
		respond(w, http.StatusOK, map[string]bool{"ok": true})
		return
	}
	var request protocol.RegisterSchedule
	json.Unmarshal(body, &request)
	if s.schedules[id] == nil {
		s.schedules[id] = map[string]protocol.RegisterSchedule{}
	}
	s.schedules[id][request.ID] = request
	respond(w, http.StatusOK, map[string]any{"id": request.ID, "active": true})
}

// Tick starts the jobs that run on a schedule: those with one of their own and, for
// the given key, those with that dynamic schedule.
func (s *Server) Tick(dynamicSchedule, key string) []*Run {
	index := s.index()
	s.mu.Lock()
	defer s.mu.Unlock()
	var runs []*Run
	for _, job := range index.Jobs {
		var trigger protocol.Trigger
		json.Unmarshal(job.Trigger, &trigger)
		if trigger.Schedule == nil && (trigger.ID == "" || trigger.ID != dynamicSchedule) {
			continue
		}
		payload, _ := json.Marshal(map[string]any{"ts": protocol.At(s.now)})
		run := s.start(job.ID, "", protocol.InvokeJob{Payload: payload})
		run.EventName = "dev.trigger.scheduled"
		if trigger.ID != "" {
			run.Source, _ = json.Marshal(map[string]any{"id": key, "metadata": s.schedules[dynamicSchedule][key].Metadata})
		}
		runs = append(runs, run)
	}
	return runs
}

// Receive takes a request to an HTTP endpoint of the app and starts the jobs that it is
// for. Unlike a real server it does not have the app answer the request.
func (s *Server) Receive(endpoint string, request protocol.HTTPRequest) []*Run {
	index := s.index()
	if request.Headers == nil {
		request.Headers = map[string]string{}
	}
	payload, _ := json.Marshal(request)
	decoded := eventfilter.DecodeRequestEvent(payload, json.RawMessage(`{}`))
	s.mu.Lock()
	defer s.mu.Unlock()
	var runs []*Run
	for _, job := range index.Jobs {
		var trigger protocol.Trigger
		json.Unmarshal(job.Trigger, &trigger)
		if trigger.Rule == nil || trigger.Rule.Event[0] != "httpendpoint."+endpoint || !ruleOf(job, trigger).Match(decoded) {
			continue
		}
		run := s.start(job.ID, "", protocol.InvokeJob{Payload: payload})
		run.EventName = trigger.Rule.Event[0]
		runs = append(runs, run)
	}
	return runs
}

// Values returns what is in the store, by key.
func (s *Server) Values() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values
}

func (s *Server) changeValue(w http.ResponseWriter, method, key string, body []byte) {
	value, found := s.values[key]
	switch method {
	case http.MethodGet:
		answer := map[string]any{"action": "GET", "key": key}
		if found {
			answer["value"] = value
		}
		respond(w, http.StatusOK, answer)
	case http.MethodPut:
		s.values[key] = string(body)
		respond(w, http.StatusOK, map[string]any{"action": "SET", "key": key, "value": string(body)})
	case http.MethodDelete:
		delete(s.values, key)
		respond(w, http.StatusOK, map[string]any{"action": "DELETE", "key": key, "deleted": found})
	}
}
