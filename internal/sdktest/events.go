package sdktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// SentEvent is an event that the app has sent.
type SentEvent struct {
	protocol.NewEvent
	Options protocol.SendOptions
	Runs    []string
	log     protocol.EventLog
}

// Events returns the events that were sent, in order.
func (s *Server) Events() []SentEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := make([]SentEvent, len(s.events))
	for i, event := range s.events {
		events[i] = *event
	}
	return events
}

// index asks the app what it can do; nothing without one.
func (s *Server) index() protocol.Index {
	var index protocol.Index
	if s.endpoint == nil {
		return index
	}
	if err := json.Unmarshal(s.Call(context.Background(), protocol.ActionIndexEndpoint, nil).Body.Bytes(), &index); err != nil {
		panic("sdktest: read the index: " + err.Error())
	}
	return index
}

// sendEvents records events and starts the jobs that listen to their names. Unlike
// a real server it does not apply filters and does not wait.
func (s *Server) sendEvents(events []protocol.NewEvent, options *protocol.SendOptions) []protocol.EventLog {
	logs := []protocol.EventLog{}
	for _, event := range events {
		logs = append(logs, s.sendEvent(event, options).log)
	}
	return logs
}

func (s *Server) sendEvent(event protocol.NewEvent, options *protocol.SendOptions) *SentEvent {
	if event.ID == "" {
		event.ID = fmt.Sprintf("sent_%d", len(s.events)+1)
	}
	if known := s.event(event.ID); known != nil {
		return known
	}
	if event.Payload == nil {
		event.Payload = json.RawMessage(`{}`)
	}
	if event.Source == "" {
		event.Source = "trigger.dev"
	}
	sent := &SentEvent{NewEvent: event, log: protocol.EventLog{
		ID: event.ID, Name: event.Name, Payload: event.Payload, Context: event.Context, Timestamp: protocol.At(s.now), DeliverAt: protocol.AtOrNil(s.now),
	}}
	if options != nil {
		sent.Options = *options
	}
	s.events = append(s.events, sent)
	for _, job := range s.indexed.Jobs {
		var trigger protocol.Trigger
		json.Unmarshal(job.Trigger, &trigger)
		if trigger.Rule == nil || trigger.Rule.Source != event.Source || !slices.Contains(trigger.Rule.Event, event.Name) {
			continue
		}
		run := s.start(job.ID, "", protocol.InvokeJob{
			Payload: event.Payload, Context: event.Context, Options: &protocol.InvokeOptions{AccountID: sent.Options.AccountID},
		})
		run.EventID, run.EventName = event.ID, event.Name
		sent.Runs = append(sent.Runs, run.ID)
	}
	s.wakeWaits(sent)
	return sent
}

func (s *Server) event(id string) *SentEvent {
	for _, event := range s.events {
		if event.ID == id {
			return event
		}
	}
	return nil
}

// wakeWaits completes the tasks that wait for an event of this name.
func (s *Server) wakeWaits(sent *SentEvent) {
	text, _ := json.Marshal(protocol.AwaitedEvent{
		ID: sent.ID, Source: sent.Source, Name: sent.Name, Payload: sent.Payload, Context: sent.Context,
		Timestamp: sent.log.Timestamp, AccountID: sent.Options.AccountID,
	})
	s.waits = slices.DeleteFunc(s.waits, func(wait protocol.WaitForEvent) bool {
		source := or(wait.Source, "trigger.dev")
		return slices.Contains(wait.Name, sent.Name) && source == sent.Source &&
			(wait.AccountID == "" || wait.AccountID == sent.Options.AccountID) && s.callBack(wait.URL, text)
	})
}

// CallBack posts JSON to the callback URL of a task, and reports whether someone
// waits for it.
func (s *Server) CallBack(url, body string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.callBack(url, []byte(body))
}

func (s *Server) callBack(url string, body []byte) bool {
	id := strings.TrimPrefix(url, callbackURL)
	for _, run := range s.runs {
		if waiting := run.taskByID(id); waiting != nil && !waiting.Status.Terminal() {
			waiting.complete(protocol.CompleteTask{Output: string(body)})
			run.due = true
			return true
		}
	}
	return false
}

func (s *Server) changeEvent(w http.ResponseWriter, id, verb string) {
	event := s.event(id)
	if event == nil {
		respond(w, http.StatusNotFound, map[string]string{"error": "Event not found"})
		return
	}
	switch verb {
	case "cancel":
		event.log.CancelledAt = protocol.AtOrNil(s.now)
		respond(w, http.StatusOK, event.log)
	case "cancel-runs":
		for _, id := range event.Runs {
			s.find(id).cancel()
		}
		respond(w, http.StatusOK, protocol.CanceledRuns{Canceled: event.Runs, Failed: []string{}})
	default:
		details := protocol.EventDetails{ID: event.ID, Name: event.Name, CreatedAt: event.log.Timestamp, UpdatedAt: event.log.Timestamp}
		for _, id := range event.Runs {
			details.Runs = append(details.Runs, protocol.EventRun{ID: id, Status: s.find(id).Status})
		}
		respond(w, http.StatusOK, details)
	}
}
