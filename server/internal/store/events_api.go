package store

import (
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const eventColumns = `id, environment_id, event_id, name, source, payload, context, is_request, source_context, account_id,
	is_test, internal, timestamp, deliver_at, delivered_at, cancelled_at, created_at, updated_at`

// eventHeadColumns are eventColumns without the payload and the context, which may be
// large.
var eventHeadColumns = strings.Replace(eventColumns, "payload, context", "'', ''", 1)

// eventScan holds the destinations of eventColumns that need converting.
type eventScan struct {
	event                               model.Event
	payload, context                    string
	sourceContext, account              *string
	timestamp, deliver, created, update int64
	delivered, cancelled                *int64
}

func (s *eventScan) destinations() []any {
	e := &s.event
	return []any{
		&e.ID, &e.EnvironmentID, &e.EventID, &e.Name, &e.Source, &s.payload, &s.context, &e.IsRequest, &s.sourceContext, &s.account,
		&e.IsTest, &e.Internal, &s.timestamp, &s.deliver, &s.delivered, &s.cancelled, &s.created, &s.update,
	}
}

func (s *eventScan) result() model.Event {
	e := s.event
	e.Payload, e.Context = []byte(s.payload), []byte(s.context)
	e.SourceContext, e.AccountID = jsonOrNil(s.sourceContext), textOrEmpty(s.account)
	e.Timestamp, e.DeliverAt = timeOf(s.timestamp), timeOf(s.deliver)
	e.DeliveredAt, e.CancelledAt = timeOrZero(s.delivered), timeOrZero(s.cancelled)
	e.CreatedAt, e.UpdatedAt = timeOf(s.created), timeOf(s.update)
	return e
}

func scanEvent(rows database.Rows) (model.Event, error) {
	var s eventScan
	err := rows.Scan(s.destinations()...)
	return s.result(), err
}

// EventHead is Event without the payload and context, which may be large.
func (tx *Tx) EventHead(environmentID, eventID string) (model.Event, bool, error) {
	return first(tx, `SELECT `+eventHeadColumns+` FROM events WHERE environment_id = $1 AND event_id = $2`,
		[]any{environmentID, eventID}, scanEvent)
}

// EventHeads is EventHead for many event ids, by these. Those that there are not are
// left out.
func (tx *Tx) EventHeads(environmentID string, eventIDs []string) (map[string]model.Event, error) {
	heads := make(map[string]model.Event, len(eventIDs))
	if len(eventIDs) == 0 {
		return heads, nil
	}
	head := strings.Replace(eventColumns, "payload, context", "'', ''", 1)
	found, err := collect(tx, `SELECT `+head+` FROM events WHERE environment_id = $1 AND event_id `+tx.conn.Dialect().InList("$2"),
		[]any{environmentID, jsonList(eventIDs)}, scanEvent)
	for _, e := range found {
		heads[e.EventID] = e
	}
	return heads, err
}

// Event returns the event of an environment with the event id.
func (tx *Tx) Event(environmentID, eventID string) (model.Event, bool, error) {
	return first(tx, `SELECT `+eventColumns+` FROM events WHERE environment_id = $1 AND event_id = $2`,
		[]any{environmentID, eventID}, scanEvent)
}

// EventChange says what to change of an event that is delivered later.
type EventChange struct {
	// Payload and Context replace the event's unless they are nil, IsRequest
	// unless it is.
	Payload, Context []byte
	IsRequest        *bool
	// DeliverAt is when it is to be delivered instead.
	DeliverAt time.Time
}

// ChangeEvent changes an event of an environment that is not due before the given
// time, and returns when it is to be delivered then. It returns false, and changes nothing, if there is no such event or it is
// no longer to be delivered by itself.
func (tx *Tx) ChangeEvent(environmentID, eventID string, notBefore time.Time, c EventChange) (deliverAt time.Time, changed bool, err error) {
	return first(tx, `
		UPDATE events
		SET payload = COALESCE($1, payload), context = COALESCE($2, context), is_request = COALESCE($3, is_request),
		    deliver_at = $4, due_at = $4, updated_at = $5
		WHERE environment_id = $6 AND event_id = $7
		  AND due_at >= $8 AND lease_owner IS NULL AND deliver_at >= $8 AND cancelled_at IS NULL
		RETURNING deliver_at`,
		[]any{jsonOrNull(c.Payload), jsonOrNull(c.Context), c.IsRequest, micros(c.DeliverAt), micros(tx.now),
			environmentID, eventID, micros(notBefore)}, func(rows database.Rows) (time.Time, error) {
			var at int64
			err := rows.Scan(&at)
			return timeOf(at), err
		})
}

// CancelEvent has an event not be delivered, or not any further, and returns it.
// One that is canceled stays as it is.
func (tx *Tx) CancelEvent(environmentID, eventID string) (model.Event, bool, error) {
	if _, err := tx.conn.Exec(`
		UPDATE events SET cancelled_at = $1, updated_at = $1, due_at = NULL, lease_owner = NULL, set_aside_at = NULL
		WHERE environment_id = $2 AND event_id = $3 AND cancelled_at IS NULL`,
		micros(tx.now), environmentID, eventID); err != nil {
		return model.Event{}, false, err
	}
	return tx.Event(environmentID, eventID)
}

// CancelDueEvent cancels an event if its delivery has not begun: it is due now
// or later.
func (tx *Tx) CancelDueEvent(environmentID, eventID string) error {
	return tx.conn.Queue(`
		UPDATE events SET cancelled_at = $1, updated_at = $1, due_at = NULL
		WHERE environment_id = $2 AND event_id = $3 AND due_at IS NOT NULL AND lease_owner IS NULL`,
		[]any{micros(tx.now), environmentID, eventID}, nil)
}

// FindAccount returns the id of the environment's account with the identifier, or
// an empty one if there is none.
func (tx *Tx) FindAccount(environmentID, identifier string) (string, error) {
	id, _, err := first(tx, `SELECT id FROM accounts WHERE environment_id = $1 AND identifier = $2`,
		[]any{environmentID, identifier}, scanString)
	return id, err
}

// RunsOfEvent returns up to limit runs that an event started, in the order they were
// created and after the named one. id is the event's own, not its event id.
func (tx *Tx) RunsOfEvent(id, after string, limit int) ([]RunSummary, error) {
	return collect(tx, `
		SELECT id, status, started_at, updated_at, completed_at FROM runs WHERE event_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
		[]any{id, after, limit}, scanRunSummary)
}

// OpenRunIDsOfEvent returns up to limit runs of an event that have not ended, oldest
// first and after the named one.
func (tx *Tx) OpenRunIDsOfEvent(id, after string, limit int) ([]string, error) {
	return collect(tx, `
		SELECT id FROM runs WHERE event_id = $1 AND id > $2 AND status IN (`+quoted(model.OpenRunStatuses())+`) ORDER BY id LIMIT $3`,
		[]any{id, after, limit}, scanString)
}
