package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/events"
)

// sentEvents are the events that a request sends in bulk. They are decoded one by one,
// as they are needed: there may be a million of them in a body.
type sentEvents struct {
	array   []byte
	options events.SendOptions
	// count is how many there are, and answer about how many bytes their answer has.
	count  int
	answer int64
}

// eventEnvelope is how many bytes of an answer there are around the texts of an event.
const eventEnvelope = 230

// each yields the events, which were checked.
func (s sentEvents) each(yield func(events.NewEvent) bool) {
	for raw := range elements(s.array) {
		var read fields
		if !yield(read.event("", raw)) {
			return
		}
	}
}

// unread is a body that is checked, and decoded elsewhere.
type unread struct{}

func (*unread) UnmarshalJSON([]byte) error { return nil }

// readEvent reads the body of a request that sends one event. problem says what
// is wrong with its shape, if anything.
func readEvent(r *request) (event events.NewEvent, options events.SendOptions, problem string, err error) {
	body, err := readJSONText(r, &unread{})
	if err != nil {
		return event, options, "", err
	}
	var read fields
	members := read.object("", body)
	event = read.event("event", members["event"])
	options = read.options("options", members["options"])
	return event, options, read.problem, read.deep
}

// readEvents is readEvent for a request that sends any number. All of them are checked
// before any is sent.
func readEvents(r *request) (sent sentEvents, problem string, err error) {
	body, err := readJSONText(r, &unread{})
	if err != nil {
		return sent, "", err
	}
	var read fields
	var options []byte
	if !isKind(body, '{') {
		read.fail("", "must be an object")
	}
	for name, value := range membersOf(body) {
		switch name { // the last one counts, as anywhere else
		case "events":
			sent.array = value
		case "options":
			options = value
		}
	}
	if !isKind(sent.array, '[') {
		read.fail("events", "must be an array")
	}
	sent.answer = int64(len(sent.array))
	for raw := range elements(sent.array) {
		read.event("events."+strconv.Itoa(sent.count), raw)
		sent.count++
		if sent.answer += eventEnvelope; read.problem != "" || read.deep != nil {
			return sent, read.problem, read.deep
		}
	}
	sent.options = read.options("options", options)
	return sent, read.problem, read.deep
}

// fields reads JSON as the published clients' schemas do: names in their exact
// case, what is absent distinguished from what is null. It keeps the first problem.
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

// event reads an event (docs/protocol/api.md §5.2).
func (f *fields) event(path string, raw json.RawMessage) events.NewEvent {
	members := f.object(path, raw)
	f.deep = cmp.Or(f.deep, checkDepth(path+".payload", members["payload"]), checkDepth(path+".context", members["context"]))
	event := events.NewEvent{
		Payload: present(members["payload"]), Context: present(members["context"]), Timestamp: f.date(path+".timestamp", members["timestamp"]),
	}
	if members == nil {
		return event
	}
	if members["payload"] == nil {
		if unknown := unknownMembers(raw, eventMembers, func(a, b string) bool { return a == b }); len(unknown) > 0 {
			f.fail(path, "has no payload: %s", describeUnknown(unknown, `the payload belongs into the member "payload"`))
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

// options reads the options of sending (docs/protocol/api.md §5.2).
func (f *fields) options(path string, raw json.RawMessage) events.SendOptions {
	var options events.SendOptions
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
