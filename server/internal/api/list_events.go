package api

import (
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store"
)

// listedEvent is an event as our own API returns it.
type listedEvent struct {
	// ID is by which the sender knows it.
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Source      string         `json:"source"`
	AccountID   string         `json:"accountId,omitempty"`
	IsTest      bool           `json:"isTest"`
	Timestamp   protocol.Time  `json:"timestamp"`
	DeliverAt   protocol.Time  `json:"deliverAt"`
	DeliveredAt *protocol.Time `json:"deliveredAt"`
	CancelledAt *protocol.Time `json:"cancelledAt"`
	CreatedAt   protocol.Time  `json:"createdAt"`
	UpdatedAt   protocol.Time  `json:"updatedAt"`
	// RunCount is how many runs it started.
	RunCount int       `json:"runCount"`
	SetAside *setAside `json:"setAside,omitempty"`
}

// listEvents is GET /api/runhook/v1/events: the events that were sent, newest
// first, with the filters name, source, since and until (RFC 3339; events recorded
// from the one and before the other), test, delivered and
// setAside, and the paging parameters
// cursor and take. A page may have fewer events than take and still a nextCursor:
// what is rare is looked for a piece at a time.
func (a *API) listEvents(w http.ResponseWriter, r *request) error {
	filter, err := eventFilter(r)
	if err != nil {
		return err
	}
	return answerList(a, w, r, listAnswer[listedEvent]{"events", filter.Limit, func(tx *store.Tx, page store.Page) ([]listedEvent, string, error) {
		events, next, err := tx.Events(r.environment.ID, filter)
		return mapped(events, encodeListedEvent), next, err
	}})
}

func eventFilter(r *request) (filter store.EventFilter, err error) {
	query := r.URL.Query()
	filter.Name, filter.Source, filter.Cursor = query.Get("name"), query.Get("source"), query.Get("cursor")
	if filter.Limit, err = numberParameter(r, "take", usualPage, mostPage); err != nil {
		return filter, err
	}
	if filter.Since, err = timeParameter(r, "since"); err != nil {
		return filter, err
	}
	if filter.Until, err = timeParameter(r, "until"); err != nil {
		return filter, err
	}
	if filter.IsTest, err = choiceParameter(r, "test"); err != nil {
		return filter, err
	}
	if filter.Delivered, err = choiceParameter(r, "delivered"); err != nil {
		return filter, err
	}
	filter.SetAside, err = choiceParameter(r, "setAside")
	return filter, err
}

func encodeListedEvent(l store.ListedEvent) listedEvent {
	e := l.Event
	return listedEvent{
		ID: e.EventID, Name: e.Name, Source: e.Source, AccountID: l.Account, IsTest: e.IsTest,
		Timestamp: protocol.At(e.Timestamp), DeliverAt: protocol.At(e.DeliverAt),
		DeliveredAt: protocol.AtOrNil(e.DeliveredAt), CancelledAt: protocol.AtOrNil(e.CancelledAt),
		CreatedAt: protocol.At(e.CreatedAt), UpdatedAt: protocol.At(e.UpdatedAt), RunCount: l.Runs,
		SetAside: encodeSetAside(l.SetAside),
	}
}
