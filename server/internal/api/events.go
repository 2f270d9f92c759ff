package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// sendEvent is POST /api/v1/events (docs/protocol/api.md §5.2).
func (a *API) sendEvent(w http.ResponseWriter, r *request) error {
	event, options, problem, err := readEvent(r)
	if err != nil {
		return err
	}
	if problem != "" {
		return unprocessable(w, problem)
	}
	sent, err := a.Events.Send(r.Context(), r.environment, event, options)
	if err != nil {
		return err
	}
	if !sent.Again {
		return r.ok(w, eventLog(sent.Event))
	}
	return a.answerLarge(w, r, func(j *jsonWriter, room reserve) error {
		err := a.writeEvent(j, r, sent, room)
		j.text("\n")
		return err
	})
}

// sendEvents is POST /api/v1/events/bulk (docs/protocol/api.md §5.3): any number of events. They are
// recorded in the order given, a thousand in a transaction. When that fails on the way,
// those before stay, and the answer says how many they are.
func (a *API) sendEvents(w http.ResponseWriter, r *request) error {
	sent, problem, err := readEvents(r)
	if err != nil {
		return err
	}
	if problem != "" {
		return unprocessable(w, problem)
	}
	made := a.Answers.New(r.environment.ID)
	defer made.Close()
	if err := made.Expect(r.Context(), sent.answer); err != nil {
		return a.notAnswered(r, err)
	}
	j := &jsonWriter{to: made, shown: r.shown}
	j.text("[")
	recorded := 0
	err = a.Events.SendEach(r.Context(), r.environment, sent.each, sent.options, func(batch []events.Recorded) error {
		recorded += len(batch)
		for _, event := range batch {
			j.next()
			if err := a.writeAgain(j, r, event); err != nil {
				return err
			}
		}
		return j.err
	})
	if err != nil {
		return a.partlySent(r, a.notAnswered(r, err), recorded, sent.count)
	}
	j.text("]\n")
	if j.err != nil {
		return a.partlySent(r, a.notAnswered(r, j.err), recorded, sent.count)
	}
	a.send(w, r, made)
	return nil
}

// partlySent is the error of a bulk send of which some events were recorded.
func (a *API) partlySent(r *request, err error, recorded, count int) error {
	if recorded == 0 {
		return err
	}
	cause, ok := errors.AsType[*model.Error](err)
	if !ok {
		a.Log.Error("a bulk send of events failed on the way", "recorded", recorded, "events", count, "address", a.clientAddress(r.Request), "err", err)
		cause = &model.Error{Code: model.Unavailable, Message: "The server could not continue", Again: a.Clock.Now().Add(againAfter)}
	}
	said := *cause
	said.Message = fmt.Sprintf("%s. The first %d of the %d events were recorded. Events that have ids can all be sent again: none is recorded twice.", cause.Message, recorded, count)
	return &said
}

// writeAgain is writeEvent for one of many events.
func (a *API) writeAgain(j *jsonWriter, r *request, event events.Recorded) error {
	if !event.Again {
		return a.writeEvent(j, r, event, nil)
	}
	return a.Answers.Load(r.Context(), r.environment.ID, func(room func(int64) error) error { return a.writeEvent(j, r, event, room) })
}

// writeEvent writes an event that was sent. The texts of one that was on record before
// are loaded, once there is room for them.
func (a *API) writeEvent(j *jsonWriter, r *request, event events.Recorded, room reserve) (err error) {
	if event.Again {
		if event.Payload, event.Context, err = a.Events.Texts(r.Context(), event.Event, room); err != nil {
			return err
		}
	}
	log := eventLog(event.Event)
	j.open()
	j.member("id", log.ID)
	j.member("name", log.Name)
	j.member("payload", log.Payload)
	j.member("context", log.Context)
	j.member("timestamp", log.Timestamp)
	j.member("deliverAt", log.DeliverAt)
	j.member("deliveredAt", log.DeliveredAt)
	j.member("cancelledAt", log.CancelledAt)
	j.close()
	return j.err
}

// unprocessable refuses a body of the wrong shape, as the protocol does on the
// routes for events.
func unprocessable(w http.ResponseWriter, problem string) error {
	writeError(w, http.StatusUnprocessableEntity, problem)
	return nil
}

func eventLog(e model.Event) protocol.EventLog {
	return protocol.EventLog{
		ID: e.EventID, Name: e.Name, Payload: e.Payload, Context: e.Context, Timestamp: protocol.At(e.Timestamp),
		DeliverAt: protocol.AtOrNil(e.DeliverAt), DeliveredAt: protocol.AtOrNil(e.DeliveredAt), CancelledAt: protocol.AtOrNil(e.CancelledAt),
	}
}

// getEvent is GET /api/v2/events/:eventId (docs/protocol/api.md §5.4).
func (a *API) getEvent(w http.ResponseWriter, r *request) error {
	return a.answerEvent(w, r, sameStatus)
}

// getEventLegacy is the same for clients that know fewer statuses.
func (a *API) getEventLegacy(w http.ResponseWriter, r *request) error {
	return a.answerEvent(w, r, legacyStatus)
}

// getEventNamedBulk is the same for the one id that is also a route.
func (a *API) getEventNamedBulk(w http.ResponseWriter, r *request) error {
	r.SetPathValue("event", "bulk")
	return a.getEventLegacy(w, r)
}

// answerEvent answers with an event and all runs that it started: the protocol has no
// pages for them. They are read a thousand at a time.
func (a *API) answerEvent(w http.ResponseWriter, r *request, status func(protocol.RunStatus) protocol.RunStatus) error {
	return a.answerLarge(w, r, func(j *jsonWriter, _ reserve) error {
		event, runs, err := a.Events.Event(r.Context(), r.environment, r.PathValue("event"))
		if err != nil {
			return err
		}
		j.open()
		j.member("id", event.EventID)
		j.member("name", event.Name)
		j.member("createdAt", protocol.At(event.CreatedAt))
		j.member("updatedAt", protocol.At(event.UpdatedAt))
		j.list("runs", func() {
			for run, failure := range runs {
				if err = failure; err != nil || j.err != nil {
					return
				}
				j.item(eventRun(run, status(run.Status)))
			}
		})
		j.end()
		return err
	})
}

func eventRun(run store.RunSummary, status protocol.RunStatus) protocol.EventRun {
	return protocol.EventRun{
		ID: run.ID, Status: status,
		StartedAt: protocol.AtOrNil(run.StartedAt), CompletedAt: protocol.AtOrNil(run.CompletedAt),
	}
}

// changeEvent is POST /api/v1/events/:eventId/cancel and .../cancel-runs. One
// route takes both, as the id may hold slashes.
func (a *API) changeEvent(w http.ResponseWriter, r *request) error {
	path := strings.TrimRight(r.PathValue("event"), "/")
	if id, found := strings.CutSuffix(path, "/cancel"); found {
		return a.cancelEvent(w, r, id)
	}
	if id, found := strings.CutSuffix(path, "/cancel-runs"); found {
		return a.cancelEventRuns(w, r, id)
	}
	return model.Errorf(model.NotFound, "Not found: there is nothing at POST %s", r.URL.Path)
}

// cancelEvent is POST /api/v1/events/:eventId/cancel (docs/protocol/api.md §5.5).
func (a *API) cancelEvent(w http.ResponseWriter, r *request, id string) error {
	event, err := a.Events.Cancel(r.Context(), r.environment, id)
	if err != nil {
		return err
	}
	return r.ok(w, eventLog(event))
}

// cancelEventRuns is POST /api/v1/events/:eventId/cancel-runs
// (docs/protocol/api.md §5.6).
func (a *API) cancelEventRuns(w http.ResponseWriter, r *request, id string) error {
	return a.answerCanceled(w, r, func(each func(string, error) error) error {
		return a.Events.CancelRuns(r.Context(), r.environment, id, each)
	})
}

// answerCanceled answers with the runs that cancel has canceled, and those it could not.
func (a *API) answerCanceled(w http.ResponseWriter, r *request, cancel func(each func(id string, err error) error) error) error {
	failed := []string{}
	made := a.Answers.New(r.environment.ID)
	defer made.Close()
	j := &jsonWriter{to: made, shown: r.shown}
	var err error
	j.open()
	j.list("cancelledRunIds", func() {
		err = cancel(func(id string, failure error) error {
			if failure != nil {
				failed = append(failed, id)
				return nil
			}
			j.item(id)
			return j.err
		})
	})
	writeList(j, "failedToCancelRunIds", failed)
	j.end()
	if err = cmp.Or(err, j.err); err != nil {
		return a.notAnswered(r, err)
	}
	a.send(w, r, made)
	return nil
}
