package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/trigger"
)

// sentEvents is what a request sends.
type sentEvents struct {
	events  []trigger.NewEvent
	options trigger.SendOptions
}

// readEvent reads the body of a request that sends one event. problem says what
// is wrong with its shape, if anything.
func readEvent(r *request) (sent sentEvents, problem string, err error) {
	var body json.RawMessage
	if err := readJSON(r, &body); err != nil {
		return sent, "", err
	}
	var read fields
	members := read.object("", body)
	sent.events = []trigger.NewEvent{read.event("event", members["event"])}
	sent.options = read.options("options", members["options"])
	return sent, read.problem, read.deep
}

// readEvents is readEvent for a request that sends any number.
func readEvents(r *request) (sent sentEvents, problem string, err error) {
	var body json.RawMessage
	if err := readJSON(r, &body); err != nil {
		return sent, "", err
	}
	var read fields
	members := read.object("", body)
	for i, raw := range read.array("events", members["events"]) {
		sent.events = append(sent.events, read.event(fmt.Sprintf("events.%d", i), raw))
	}
	sent.options = read.options("options", members["options"])
	return sent, read.problem, read.deep
}

// fields reads JSON as the published clients' schemas do: names in their exact
// case, what is absent told from what is null. It keeps the first problem.
type fields struct {
	problem string
	// deep is set if a payload or context is nested too deeply.
	deep error
}

func (f *fields) fail(path, format string, values ...any) {
	if f.problem == "" {
		f.problem = fmt.Sprintf("Invalid request body: %s %s", fieldName(path), fmt.Sprintf(format, values...))
	}
}

// eventMembers are the members of an event.
var eventMembers = []string{"name", "payload", "context", "id", "timestamp", "source", "payloadType"}

// event reads an event (api.md 5.2).
func (f *fields) event(path string, raw json.RawMessage) trigger.NewEvent {
	members := f.object(path, raw)
	f.deep = cmp.Or(f.deep, checkDepth(path+".payload", members["payload"]), checkDepth(path+".context", members["context"]))
	event := trigger.NewEvent{
		Payload: present(members["payload"]), Context: present(members["context"]), Timestamp: f.date(path+".timestamp", members["timestamp"]),
	}
	if members == nil {
		return event
	}
	if members["payload"] == nil {
		if unknown := unknownMembers(raw, eventMembers, func(a, b string) bool { return a == b }); len(unknown) > 0 {
			f.fail(path, "has no payload: %s", describeUnknown(unknown, `the payload goes into the member "payload"`))
		}
	}
	if name := f.text(path+".name", members["name"]); name != nil {
		event.Name = *name
	} else {
		f.fail(path+".name", "is missing")
	}
	event.EventID = f.text(path+".id", members["id"])
	if source := f.text(path+".source", members["source"]); source != nil {
		event.Source = *source
	}
	if kind := f.text(path+".payloadType", members["payloadType"]); kind != nil {
		isRequest := *kind == "REQUEST"
		event.IsRequest = &isRequest
		if !isRequest && *kind != "JSON" {
			f.fail(path+".payloadType", "must be JSON or REQUEST, not %.40q", *kind)
		}
	}
	if err := event.Check(); err != nil {
		f.fail(path, "cannot be stored: %v", err)
	}
	return event
}

// mostDelay bounds deliverAfter, in seconds: a hundred years.
const mostDelay = 100 * 365 * 24 * 60 * 60

// options reads the options of sending (api.md 5.2).
func (f *fields) options(path string, raw json.RawMessage) trigger.SendOptions {
	var options trigger.SendOptions
	if raw == nil {
		return options
	}
	members := f.object(path, raw)
	options.DeliverAt = f.date(path+".deliverAt", members["deliverAt"])
	if raw := members["deliverAfter"]; raw != nil {
		var seconds float64
		if err := json.Unmarshal(raw, &seconds); err != nil || isNull(raw) || seconds != math.Trunc(seconds) || math.Abs(seconds) > mostDelay {
			f.fail(path+".deliverAfter", "must be a whole number of seconds, at most %d, not %.40s", mostDelay, raw)
		} else {
			options.DeliverAfter = time.Duration(seconds) * time.Second
		}
	}
	if account := f.text(path+".accountId", members["accountId"]); account != nil {
		options.AccountID = *account
	}
	if err := options.Check(); err != nil {
		f.fail(path, "cannot be stored: %v", err)
	}
	return options
}

func (f *fields) object(path string, raw json.RawMessage) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(orNull(raw), &members); err != nil || members == nil {
		f.fail(path, "must be an object")
	}
	return members
}

func (f *fields) array(path string, raw json.RawMessage) []json.RawMessage {
	var items []json.RawMessage
	if err := json.Unmarshal(orNull(raw), &items); err != nil || items == nil {
		f.fail(path, "must be an array")
	}
	return items
}

// text reads a string that may be absent.
func (f *fields) text(path string, raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil || text == nil {
		f.fail(path, "must be a string, not %.40s", raw)
		return nil
	}
	if !protocol.IsWholeText(raw) {
		f.fail(path, "has half of a surrogate pair, which cannot be kept")
	}
	return text
}

// date reads a date that may be absent, as text or milliseconds since 1970. Null
// is 1970, as it is in JavaScript.
func (f *fields) date(path string, raw json.RawMessage) time.Time {
	if raw == nil {
		return time.Time{}
	}
	if isNull(raw) {
		return time.UnixMilli(0).UTC()
	}
	var date protocol.Time
	if err := json.Unmarshal(raw, &date); err != nil {
		f.fail(path, "is not a date: want text such as 2026-01-31T12:00:00.000Z or milliseconds since 1970, not %.40s", raw)
	}
	return date.Time
}

// present returns nil for null, which like an absent payload stands for an empty
// one.
func present(raw json.RawMessage) []byte {
	if isNull(raw) {
		return nil
	}
	return raw
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}
