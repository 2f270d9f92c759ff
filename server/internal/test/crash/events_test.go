package crash

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/runhook/runhook/protocol"
)

const (
	// happened is the name of the events that are sent, and eventEvery how many runs
	// a client invokes for each.
	happened   = "happened"
	eventEvery = 5
)

// heardKeys returns the keys of the notifications of an event's runs, one for each job that
// listens for it.
func heardKeys(event string) (keys []string) {
	for _, job := range goApp.eventJobs {
		keys = append(keys, job+" "+event)
	}
	return keys
}

// heardKeys returns those of all events that were accepted.
func (l *load) heardKeys() (keys []string) {
	for _, event := range l.events {
		keys = append(keys, heardKeys(event)...)
	}
	return keys
}

// heardKey returns the key of the notification of a run.
func heardKey(t *testing.T, notification []byte) string {
	got, event := decoded(t, notification)
	return got.Job.ID + " " + event
}

// decoded returns a notification of a run that an event started, and the event.
func decoded(t *testing.T, notification []byte) (got protocol.RawRunNotification, event string) {
	t.Helper()
	err := json.Unmarshal(notification, &got)
	if err == nil {
		err = json.Unmarshal(got.Invocation.Payload, &event)
	}
	if err != nil {
		t.Errorf("a subscription received %s: %v", notification, err)
	}
	return got, event
}

// send sends an event until it is accepted. Its payload is its id.
func (l *load) send(event string) {
	for {
		var accepted protocol.EventLog
		if l.ask("/api/v1/events", event, protocol.SendEvent{Event: protocol.NewEvent{
			ID: event, Name: happened, Payload: json.RawMessage(`"` + event + `"`),
		}}, &accepted) {
			break
		}
		pause(context.Background(), again)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.events, event) {
		l.events = append(l.events, event)
	}
}

// checkEvents checks that each event has started one run of each job that listens for it,
// and what became of those. It returns the runs, and how many notifications of them
// was delivered again.
func (l *load) checkEvents(t *testing.T) (runs []string, again int) {
	t.Helper()
	for _, event := range slices.Clone(l.events) {
		l.send(event) // starts nothing
		var started []string
		for _, key := range heardKeys(event) {
			messages, _ := l.inbox.messages(key)
			got, _ := decoded(t, []byte(messages[0].body))
			again += l.checkRun(t, key, got.ID, event)
			started = append(started, got.ID)
		}
		var details protocol.EventDetails
		l.api().OK("GET", "/api/v2/events/"+event, nil, &details)
		onRecord := make([]string, len(details.Runs))
		for i, run := range details.Runs {
			onRecord[i] = run.ID
		}
		slices.Sort(started)
		slices.Sort(onRecord)
		if !slices.Equal(started, onRecord) {
			t.Errorf("event %s has started the runs %v, and %v were reported", event, onRecord, started)
		}
		runs = append(runs, started...)
	}
	return runs, again
}
