package store

import (
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// InsertEvent records an event that is not to be delivered by itself. It returns
// false, and changes nothing, when the environment already has one with its event
// id.
func (tx *Tx) InsertEvent(e model.Event) (bool, error) {
	return tx.InsertDueEvent(e, time.Time{})
}

// InsertDueEvent is InsertEvent for an event that is to be delivered at a time,
// or not by itself if that is zero.
func (tx *Tx) InsertDueEvent(e model.Event, due time.Time) (bool, error) {
	if err := tx.SealEvent(&e); err != nil {
		return false, err
	}
	return tx.insertSealed(e, due)
}

func (tx *Tx) insertSealed(e model.Event, due time.Time) (bool, error) {
	changed, err := tx.conn.Exec(insertOneEvent, tx.eventValues(nil, DueEvent{e, due})...)
	return changed > 0, err
}

// SealEvent puts references in place of the secrets in what is kept of an event.
func (tx *Tx) SealEvent(e *model.Event) (err error) {
	for _, text := range []*[]byte{&e.Payload, &e.Context, &e.SourceContext} {
		if *text, err = tx.SealSecrets(e.EnvironmentID, *text); err != nil {
			return err
		}
	}
	return nil
}

// DueEvent is an event that is to be delivered at a time, or not by itself if that is
// zero.
type DueEvent struct {
	model.Event
	Due time.Time
}

// InsertDueEvents is InsertDueEvent for any number of events, in few statements. It
// returns the ids of those that were recorded. An event id that is given twice is that
// of the first. The events are then sealed ([Tx.SealEvent]).
func (tx *Tx) InsertDueEvents(events []DueEvent) (map[string]bool, error) {
	inserted := make(map[string]bool, len(events))
	for i := range events {
		if err := tx.SealEvent(&events[i].Event); err != nil {
			return nil, err
		}
	}
	for together := range slices.Chunk(events, eventsTogether) {
		if len(together) < eventsTogether {
			for _, e := range together {
				ok, err := tx.insertSealed(e.Event, e.Due)
				if err != nil {
					return nil, err
				}
				if ok {
					inserted[e.ID] = true
				}
			}
			continue
		}
		values := make([]any, 0, len(together)*len(eventParameters))
		for _, e := range together {
			values = tx.eventValues(values, e)
		}
		ids, err := collect(tx, insertManyEvents, values, scanString)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			inserted[id] = true
		}
	}
	return inserted, nil
}

// eventsTogether is how many events one statement inserts; see [runsTogether].
const eventsTogether = 100

var insertOneEvent, insertManyEvents = insertEvents(1), insertEvents(eventsTogether) + ` RETURNING id`

// eventParameters are the values of one event in SQL: those of [Tx.eventValues], of
// which the last, the time, stands for two.
var eventParameters = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 17}

const eventValues = 17

func insertEvents(number int) string {
	return `
		INSERT INTO events (id, environment_id, event_id, name, source, payload, context, is_request, source_context, account_id,
		                    is_test, internal, timestamp, deliver_at, delivered_at, due_at, created_at, updated_at)
		VALUES ` + rowsOfValues(number, "", eventParameters, eventValues) + `
		ON CONFLICT (environment_id, event_id) DO NOTHING`
}

// eventValues appends the parameters of an event.
func (tx *Tx) eventValues(values []any, e DueEvent) []any {
	return append(values,
		e.ID, e.EnvironmentID, e.EventID, e.Name, e.Source, string(e.Payload), string(e.Context), e.IsRequest,
		jsonOrNull(e.SourceContext), textOrNull(e.AccountID), e.IsTest, e.Internal, micros(e.Timestamp), micros(e.DeliverAt),
		microsOrNull(e.DeliveredAt), microsOrNull(e.Due), micros(tx.now))
}

// RunOfEvent returns the id and the job of the first run that the event with the
// event id started.
func (tx *Tx) RunOfEvent(environmentID, eventID string) (runID, jobSlug string, found bool, err error) {
	type runAndJob struct{ run, job string }
	r, found, err := first(tx, `
		SELECT r.id, j.slug FROM events e
		JOIN runs r ON r.event_id = e.id
		JOIN jobs j ON j.id = r.job_id
		WHERE e.environment_id = $1 AND e.event_id = $2 ORDER BY r.id LIMIT 1`,
		[]any{environmentID, eventID}, func(rows database.Rows) (r runAndJob, err error) {
			err = rows.Scan(&r.run, &r.job)
			return r, err
		})
	return r.run, r.job, found, err
}

// UpsertAccount returns the id of the environment's account with the identifier,
// which is made if there is none.
func (tx *Tx) UpsertAccount(environmentID, identifier string) (string, error) {
	// Nearly always it is there, and then nothing is written.
	id, err := tx.FindAccount(environmentID, identifier)
	if err != nil || id != "" {
		return id, err
	}
	// Another process may make it at this moment.
	id, _, err = first(tx, `
		INSERT INTO accounts (id, environment_id, identifier, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $4)
		ON CONFLICT (environment_id, identifier) DO UPDATE SET identifier = excluded.identifier
		RETURNING id`,
		[]any{model.NewID(model.PrefixAccount, tx.now), environmentID, identifier, micros(tx.now)}, scanString)
	return id, err
}

func scanString(rows database.Rows) (s string, err error) {
	err = rows.Scan(&s)
	return s, err
}

// Account returns the account with the id.
func (tx *Tx) Account(id string) (model.Account, bool, error) {
	return first(tx, `SELECT identifier, metadata FROM accounts WHERE id = $1`, []any{id}, func(rows database.Rows) (model.Account, error) {
		var a model.Account
		var metadata *string
		err := rows.Scan(&a.Identifier, &metadata)
		a.Metadata = jsonOrNil(metadata)
		return a, err
	})
}
