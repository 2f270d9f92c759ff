package sdktest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/runhook/runhook/internal/eventfilter"
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

// sendEvents records events and starts the jobs that they are for. Unlike a real server
// it does not wait for the time of a delivery.
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
	decoded := decodeEvent(event)
	for _, job := range s.indexed.Jobs {
		var trigger protocol.Trigger
		json.Unmarshal(job.Trigger, &trigger)
		if trigger.Rule == nil || trigger.Rule.Source != event.Source || !slices.Contains(trigger.Rule.Event, event.Name) || !ruleOf(job, trigger).Match(decoded) {
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

// language reads event filters as a server does, but for texts that Unicode writes in
// several ways: $ignoreCaseEquals compares them as they are written, which for accents
// means that both sides have them as part of their letters (NFC).
var language eventfilter.Language

// decodeEvent returns an event as filters see it.
func decodeEvent(event protocol.NewEvent) eventfilter.Event {
	context := event.Context
	if context == nil {
		context = json.RawMessage(`{}`)
	}
	return eventfilter.DecodeEvent(event.Payload, context)
}

// ruleOf returns the filters of a job. A server refuses an index with one that is invalid.
func ruleOf(job protocol.IndexedJob, trigger protocol.Trigger) *eventfilter.Rule {
	rule, err := language.ParseRule(trigger.Rule.Payload, trigger.Rule.Context)
	if err != nil {
		panic(fmt.Sprintf("the trigger of the job %q: %v", job.ID, err))
	}
	return rule
}

// wait is a task that waits for an event.
type wait struct {
	protocol.WaitForEvent
	rule *eventfilter.Rule
}

func (s *Server) waitForEvent(w http.ResponseWriter, body []byte) {
	var wanted wait
	json.Unmarshal(body, &wanted.WaitForEvent)
	var err error
	if wanted.rule, err = language.ParseRule(wanted.Filter, wanted.ContextFilter); err != nil {
		respond(w, http.StatusBadRequest, map[string]string{"error": "filter: " + err.Error()})
		return
	}
	s.waits = append(s.waits, wanted)
	respond(w, http.StatusOK, protocol.WaitingForEvent{ID: "wait_1"})
}

// wakeWaits completes the tasks that wait for an event.
func (s *Server) wakeWaits(sent *SentEvent) {
	text, _ := json.Marshal(protocol.AwaitedEvent{
		ID: sent.ID, Source: sent.Source, Name: sent.Name, Payload: sent.Payload, Context: sent.Context,
		Timestamp: sent.log.Timestamp, AccountID: sent.Options.AccountID,
	})
	decoded := decodeEvent(sent.NewEvent)
	s.waits = slices.DeleteFunc(s.waits, func(wait wait) bool {
		source := or(wait.Source, "trigger.dev")
		return slices.Contains(wait.Name, sent.Name) && source == sent.Source &&
			(wait.AccountID == "" || wait.AccountID == sent.Options.AccountID) &&
			wait.rule.Match(decoded) && s.callBack(wait.URL, text)
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
