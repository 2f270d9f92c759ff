package events

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/runhook/runhook/server/internal/model"
)

// NewEvent is an event to be sent.
type NewEvent struct {
	// EventID is the caller's id for it; nil to have it given one.
	EventID *string
	Name    string
	// Source is empty for the default one.
	Source string
	// Payload and Context are JSON; nil if they are absent.
	Payload, Context []byte
	// IsRequest says whether the payload is a request that an HTTP endpoint got;
	// nil if that is not said.
	IsRequest *bool
	// RequestBytes is what a request to an HTTP endpoint counts for in the budgets of
	// its environment; 0 for an event that is none.
	RequestBytes int64
	// Timestamp is when it happened; zero for now.
	Timestamp time.Time
	// SourceContext is a JSON object that says what of its source sent it; nil for
	// nothing.
	SourceContext []byte
}

// SendOptions are the options of sending events.
type SendOptions struct {
	// DeliverAt is when to deliver the events; zero for after DeliverAfter.
	DeliverAt time.Time
	// DeliverAfter is how much later than now to deliver them; zero or less for at
	// once.
	DeliverAfter time.Duration
	// AccountID is the caller's identifier of an account; empty for none.
	AccountID string
	// Unasked is set for events of those who will not send them again: they are taken
	// even where too many runs are queued.
	Unasked bool
}

// Check returns a [model.Invalid] error that says what of the event cannot be
// stored, if anything.
func (e NewEvent) Check() error {
	if e.EventID != nil {
		if err := checkName(model.LimitEventID, "id", *e.EventID); err != nil {
			return err
		}
	}
	if err := checkName(model.LimitEventName, "name", e.Name); err != nil {
		return err
	}
	return checkName(model.LimitEventSource, "source", e.Source)
}

// Check returns a [model.Invalid] error that says what of the options cannot be
// stored, if anything.
func (o SendOptions) Check() error { return checkName(model.LimitAccountID, "accountId", o.AccountID) }

func checkName(limit model.Limit, what, name string) error {
	if err := limit.Check(what, name); err != nil {
		return err
	}
	if !isText(name) {
		return model.Errorf(model.Invalid, "%s must be text without the character U+0000", what)
	}
	return nil
}

// isName reports whether a limit lets an event have a text as its name, source or id.
func isName(limit model.Limit, text string) bool {
	return limit.Check("", text) == nil && isText(text)
}

func isText(text string) bool { return !strings.Contains(text, "\x00") && utf8.ValidString(text) }

// event returns what is to be recorded of an event that is sent now. The database
// decides whether it is the first with its event id.
func (e NewEvent) event(environment *model.Environment, now, deliverAt time.Time) model.Event {
	id := model.NewID(model.PrefixEvent, now)
	event := model.Event{
		ID: id, EnvironmentID: environment.ID, EventID: strings.ToUpper(id[len(model.PrefixEvent):]),
		Name: e.Name, Source: e.Source, Payload: e.Payload, Context: e.Context, IsRequest: e.IsRequest != nil && *e.IsRequest,
		SourceContext: e.SourceContext, Timestamp: e.Timestamp, DeliverAt: deliverAt, CreatedAt: now, UpdatedAt: now,
	}
	if e.EventID != nil {
		event.EventID = *e.EventID
	}
	if event.Source == "" {
		event.Source = model.DefaultSource
	}
	if event.Timestamp.IsZero() {
		event.Timestamp = now
	}
	event.Payload, event.Context = orEmptyObject(event.Payload), orEmptyObject(event.Context)
	return event
}

// orEmptyObject returns what an absent payload or context stands for
// (docs/protocol/api.md §5.2).
func orEmptyObject(raw []byte) []byte {
	if raw == nil {
		return []byte("{}")
	}
	return raw
}
