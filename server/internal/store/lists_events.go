package store

import (
	"fmt"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// EventFilter says which events to list. Empty fields let all through.
type EventFilter struct {
	Name, Source string
	// Since and Until bound when an event was recorded: Since is the first moment,
	// Until the first that is too late.
	Since, Until      time.Time
	IsTest, Delivered *bool
	// SetAside keeps those that were set aside, or all others.
	SetAside *bool
	// Cursor is the id of the first event of the page; not its event id.
	Cursor string
	Limit  int
}

// eventWindow is for events what runWindow is for runs.
const eventWindow = 10_000

// ListedEvent is an event in a list, without its payload and context.
type ListedEvent struct {
	Event   model.Event
	Account string
	// Runs is how many runs it started.
	Runs     int
	SetAside SetAside
}

// Events returns up to limit events of an environment, newest first, and the id of
// the event that the next page begins with, empty at the end. Those that
// invocations made are left out. A page may have fewer events than its limit, even
// none, before the end: it looks at no more than so many.
func (tx *Tx) Events(environmentID string, filter EventFilter) (events []ListedEvent, next string, err error) {
	q := eventQuery{args: []any{environmentID}}
	q.bound(filter)
	end, found, err := first(tx, fmt.Sprintf(`SELECT e.id FROM events e WHERE e.environment_id = $1%s ORDER BY e.id DESC LIMIT 1 OFFSET %d`,
		q.conditions, eventWindow), q.args, scanString)
	if err != nil {
		return nil, "", err
	}
	if found {
		next = end
		q.and("e.id >", end)
	}
	q.sift(filter)
	q.args = append(q.args, filter.Limit+1)
	events, err = collect(tx, fmt.Sprintf(`
		SELECT e.id, e.event_id, e.name, e.source, e.is_test, e.timestamp, e.deliver_at, e.delivered_at, e.cancelled_at, e.created_at, e.updated_at,
		       a.identifier, (SELECT COUNT(*) FROM runs r WHERE r.event_id = e.id), e.set_aside_at, e.error
		FROM events e
		LEFT JOIN accounts a ON a.id = e.account_id
		WHERE e.environment_id = $1%s ORDER BY e.id DESC LIMIT $%d`, q.conditions, len(q.args)), q.args, scanListedEvent)
	for i := range events {
		events[i].Event.EnvironmentID = environmentID
	}
	if len(events) > filter.Limit {
		next, events = events[filter.Limit].Event.ID, events[:filter.Limit]
	}
	return events, next, err
}

// eventQuery collects conditions on the events of an environment.
type eventQuery struct {
	conditions string
	args       []any
}

func (q *eventQuery) and(condition string, value any) {
	// Queries that share a beginning must not share its room.
	q.args = append(q.args[:len(q.args):len(q.args)], value)
	q.conditions += fmt.Sprintf(" AND %s $%d", condition, len(q.args))
}

// bound adds the conditions that the index of the list answers.
func (q *eventQuery) bound(filter EventFilter) {
	if filter.Cursor != "" {
		q.and("e.id <=", filter.Cursor)
	}
	if !filter.Since.IsZero() {
		q.and("e.id >=", model.FirstID(model.PrefixEvent, filter.Since))
	}
	if !filter.Until.IsZero() {
		q.and("e.id <", model.FirstID(model.PrefixEvent, filter.Until))
	}
}

// sift adds the conditions that each event is looked at for.
func (q *eventQuery) sift(filter EventFilter) {
	q.conditions += " AND NOT e.internal"
	if filter.Name != "" {
		q.and("e.name =", filter.Name)
	}
	if filter.Source != "" {
		q.and("e.source =", filter.Source)
	}
	if filter.IsTest != nil {
		q.and("e.is_test =", *filter.IsTest)
	}
	if filter.Delivered != nil {
		q.and("(e.delivered_at IS NOT NULL) =", *filter.Delivered)
	}
	if filter.SetAside != nil {
		q.and("(e.set_aside_at IS NOT NULL) =", *filter.SetAside)
	}
}

func scanListedEvent(rows database.Rows) (ListedEvent, error) {
	var l ListedEvent
	e := &l.Event
	var timestamp, deliver, created, updated int64
	var delivered, cancelled *int64
	var account *string
	var aside setAsideScan
	err := rows.Scan(&e.ID, &e.EventID, &e.Name, &e.Source, &e.IsTest, &timestamp, &deliver, &delivered, &cancelled, &created, &updated, &account, &l.Runs,
		&aside.at, &aside.err)
	l.SetAside = aside.result()
	e.Timestamp, e.DeliverAt, e.CreatedAt, e.UpdatedAt = timeOf(timestamp), timeOf(deliver), timeOf(created), timeOf(updated)
	e.DeliveredAt, e.CancelledAt, l.Account = timeOrZero(delivered), timeOrZero(cancelled), textOrEmpty(account)
	return l, err
}
