package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// requestOverhead is what a request counts for beside its own bytes: its rows, those
// of their indexes, and those of the run that it starts. It also bounds how many
// requests fit a budget, and so what it costs to count them.
const requestOverhead = 1 << 10

// RequestSize returns what a request counts for in a budget, in bytes.
func RequestSize(r model.IncomingRequest) int64 {
	size := requestOverhead + len(r.URL) + len(r.Method) + len(r.Body)
	for name, value := range r.Headers {
		size += len(name) + len(value)
	}
	return int64(size)
}

// RecordRequest records that a request is kept as the event or the delivery with the
// id, and counts for so many bytes. One that waits for its app is ended by
// [Tx.EndRequest]; any other started nothing, and counts as not verified.
func (tx *Tx) RecordRequest(id, environmentID string, bytes int64, waiting bool) error {
	var unverified any
	if !waiting {
		unverified = micros(tx.now)
	}
	return tx.conn.Queue(`INSERT INTO requests (id, environment_id, bytes, waiting, unverified_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		[]any{id, environmentID, bytes, waiting, unverified, micros(tx.now)}, nil)
}

// EndRequest records that the app has dealt with the request that is kept with the id,
// and whether it believed it. Without such a request it changes nothing.
func (tx *Tx) EndRequest(id string, verified bool) error {
	var unverified any
	if !verified {
		unverified = micros(tx.now)
	}
	return tx.conn.Queue(`UPDATE requests SET waiting = FALSE, unverified_at = $1 WHERE id = $2 AND waiting`, []any{unverified, id}, nil)
}

// WaitingRequests returns for how many bytes the requests of an environment count that
// wait for their app. It counts up to most and some more: counting costs more the
// more there are.
func (tx *Tx) WaitingRequests(environmentID string, most int64) (int64, error) {
	return tx.requestBytes(` AND waiting`, environmentID, most)
}

// KeptRequests returns for how many bytes all requests of an environment count that are
// kept, as WaitingRequests does.
func (tx *Tx) KeptRequests(environmentID string, most int64) (int64, error) {
	return tx.requestBytes("", environmentID, most)
}

func (tx *Tx) requestBytes(condition, environmentID string, most int64) (int64, error) {
	return tx.bytes(`
		SELECT COALESCE(SUM(bytes), 0) FROM (
			SELECT bytes FROM requests WHERE environment_id = $1`+condition+` ORDER BY bytes DESC LIMIT $2
		) AS counted`, environmentID, most/requestOverhead+1)
}

// UnverifiedRequest names a request that its app has not believed.
type UnverifiedRequest struct {
	ID string
	at int64
}

// UnverifiedRequests returns up to limit requests that their apps have not believed,
// or that started nothing, before a time: the oldest first, beginning after the given
// one or, if that is zero, with the first.
func (tx *Tx) UnverifiedRequests(before time.Time, after UnverifiedRequest, limit int) ([]UnverifiedRequest, error) {
	return collect(tx, `
		SELECT id, unverified_at FROM requests
		WHERE unverified_at < $1 AND (unverified_at, id) > ($2, $3)
		ORDER BY unverified_at, id LIMIT $4`, []any{micros(before), after.at, after.ID, limit},
		func(rows database.Rows) (r UnverifiedRequest, err error) {
			err = rows.Scan(&r.ID, &r.at)
			return r, err
		})
}

// DeleteUnverifiedRequests removes requests with what they are kept as, and the runs
// that they started, if all of these ended before a time. It returns how many.
func (tx *Tx) DeleteUnverifiedRequests(ids []string, before time.Time) (int, error) {
	runs, err := collect(tx, `SELECT id FROM runs WHERE event_id `+tx.conn.Dialect().InList("$1"), []any{jsonList(ids)}, scanString)
	if err != nil {
		return 0, err
	}
	if len(runs) > 0 {
		if _, err := tx.DeleteRuns(runs, before); err != nil {
			return 0, err
		}
	}
	if _, err := tx.DeleteSourceDeliveries(ids); err != nil {
		return 0, err
	}
	if _, err := tx.DeleteEvents(ids); err != nil {
		return 0, err
	}
	left, err := tx.count(`SELECT COUNT(*) FROM requests WHERE id `+tx.conn.Dialect().InList("$1"), jsonList(ids))
	return len(ids) - left, err
}

// forgetRequests removes what is known of requests whose rows were removed or emptied.
func (tx *Tx) forgetRequests(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return tx.conn.Queue(`DELETE FROM requests WHERE id `+tx.conn.Dialect().InList("$1"), []any{jsonList(ids)}, nil)
}
