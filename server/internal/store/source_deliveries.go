package store

import (
	"encoding/json"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const sourceDeliveryColumns = `id, environment_id, kind, source_id, number, status, attempts, verified, error, lease_owner, lease_number,
	created_at, updated_at, delivered_at`

// scanSourceDelivery scans sourceDeliveryColumns after others.
func scanSourceDelivery(rows database.Rows, others ...any) (model.SourceDelivery, error) {
	var d model.SourceDelivery
	var failure, owner *string
	var created, updated int64
	var delivered *int64
	err := rows.Scan(append(others, &d.ID, &d.EnvironmentID, &d.Kind, &d.SourceID, &d.Number, &d.Status, &d.Attempts, &d.Verified, &failure,
		&owner, &d.Lease.Number, &created, &updated, &delivered)...)
	d.Error, d.Lease.Owner = textOrEmpty(failure), textOrEmpty(owner)
	d.CreatedAt, d.UpdatedAt, d.DeliveredAt = timeOf(created), timeOf(updated), timeOrZero(delivered)
	return d, err
}

// AddSourceDelivery records a request as the last of its source, whose number it
// gives. It is due now if it is the only one that is PENDING, which first says;
// otherwise once those before it have ended. d says the id, the environment, the
// kind and the source.
func (tx *Tx) AddSourceDelivery(d model.SourceDelivery, request model.IncomingRequest) (added model.SourceDelivery, isFirst bool, err error) {
	// This locks the queue, so whether something waits is certain below.
	number, _, err := first(tx, `
		INSERT INTO source_queues (source_id, environment_id, last_number) VALUES ($1, $2, 1)
		ON CONFLICT (source_id) DO UPDATE SET last_number = source_queues.last_number + 1
		RETURNING last_number`, []any{d.SourceID, d.EnvironmentID}, scanInteger)
	if err != nil {
		return d, false, err
	}
	waiting, err := tx.count(`
		SELECT COUNT(*) FROM (SELECT 1 FROM source_deliveries WHERE source_id = $1 AND status = '`+string(model.SourceDeliveryPending)+`' LIMIT 1) waiting`,
		d.SourceID)
	if err != nil {
		return d, false, err
	}
	kept, headers, err := tx.sealRequest(d.EnvironmentID, request)
	if err != nil {
		return d, false, err
	}
	d.Number, d.Status, d.CreatedAt, d.UpdatedAt = number, model.SourceDeliveryPending, tx.now, tx.now
	var due any
	if isFirst = waiting == 0; isFirst {
		due = micros(tx.now)
	}
	body := kept.Body
	if body == nil {
		body = []byte{}
	}
	if err := tx.RecordRequest(d.ID, d.EnvironmentID, RequestSize(request), true); err != nil {
		return d, isFirst, err
	}
	return d, isFirst, tx.conn.Queue(`
		INSERT INTO source_deliveries (id, environment_id, kind, source_id, number, status, url, method, headers, body, due_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
		[]any{d.ID, d.EnvironmentID, string(d.Kind), d.SourceID, number, string(d.Status), kept.URL, kept.Method, string(headers), body,
			due, micros(tx.now)}, nil)
}

// sealRequest puts references in place of the secrets in what is kept of a request.
func (tx *Tx) sealRequest(environmentID string, r model.IncomingRequest) (sealed model.IncomingRequest, headers []byte, err error) {
	if headers, err = json.Marshal(r.Headers); err != nil {
		return r, nil, err
	}
	if headers, err = tx.SealSecrets(environmentID, headers); err != nil {
		return r, nil, err
	}
	url, err := tx.SealBytes(environmentID, []byte(r.URL))
	if err != nil {
		return r, nil, err
	}
	r.URL = string(url)
	r.Body, err = tx.SealBytes(environmentID, r.Body)
	return r, headers, err
}

func scanInteger(rows database.Rows) (n int64, err error) {
	err = rows.Scan(&n)
	return n, err
}

// DueSourceDeliveries returns the environments of all deliveries that have a due time
// and that no process has leased.
func (tx *Tx) DueSourceDeliveries() ([]Due, error) {
	return tx.dueBy("source_deliveries", "environment_id", "due_at")
}

// ClaimedSourceDelivery is a delivery that is leased to a process, which makes it.
type ClaimedSourceDelivery struct {
	model.SourceDelivery
	// Bytes is how many bytes its request has, which [Tx.SourceRequest] reads.
	Bytes int64
}

// ClaimSourceDeliveries leases up to limit due deliveries of an environment to a
// process, the longest due first. There is never more than one of a source.
func (tx *Tx) ClaimSourceDeliveries(owner, environmentID string, limit int) ([]ClaimedSourceDelivery, error) {
	return collect(tx, tx.skipLockedClaim(`
			SELECT id FROM source_deliveries
			WHERE due_at IS NOT NULL AND lease_owner IS NULL AND environment_id = $4 AND due_at <= $2
			ORDER BY due_at LIMIT $3`)+`
		UPDATE source_deliveries SET lease_owner = $1, lease_number = lease_number + 1, due_at = NULL, updated_at = $2
		WHERE id IN (SELECT id FROM picked)
		RETURNING `+bytesOf("url", "headers", "body")+`, `+sourceDeliveryColumns, []any{owner, micros(tx.now), limit, environmentID},
		func(rows database.Rows) (c ClaimedSourceDelivery, err error) {
			c.SourceDelivery, err = scanSourceDelivery(rows, &c.Bytes)
			return c, err
		})
}

// SourceRequest returns the request of a delivery, as it came.
func (tx *Tx) SourceRequest(deliveryID string) (r model.IncomingRequest, found bool, err error) {
	type request struct {
		environmentID, url, headers string
		model.IncomingRequest
	}
	kept, found, err := first(tx, `SELECT environment_id, url, method, headers, body FROM source_deliveries WHERE id = $1`, []any{deliveryID},
		func(rows database.Rows) (r request, err error) {
			err = rows.Scan(&r.environmentID, &r.url, &r.Method, &r.headers, &r.Body)
			return r, err
		})
	if err != nil || !found {
		return r, false, err
	}
	r = kept.IncomingRequest
	headers, err := tx.OpenSecrets(kept.environmentID, []byte(kept.headers))
	if err != nil {
		return r, false, err
	}
	url, err := tx.OpenSecrets(kept.environmentID, []byte(kept.url))
	if err != nil {
		return r, false, err
	}
	r.URL = string(url)
	if r.Body, err = tx.OpenSecrets(kept.environmentID, r.Body); err != nil {
		return r, false, err
	}
	return r, true, json.Unmarshal(headers, &r.Headers)
}

// EndSourceAttempt takes a delivery by the transition, with the attempts and what
// came of them as they are in d, and gives back its lease. One that stays PENDING
// is due again at the given time; after one that ends, the next of its source is
// due now. It gives [model.ErrLeaseLost] when the lease is no longer d's.
func (tx *Tx) EndSourceAttempt(d model.SourceDelivery, transition model.SourceDeliveryTransition, again time.Time) error {
	if _, _, err := first(tx, `SELECT source_id FROM source_queues WHERE source_id = $1`+tx.conn.Dialect().ForUpdate,
		[]any{d.SourceID}, scanString); err != nil {
		return err
	}
	var delivered any
	if transition.To == model.SourceDeliveryDelivered {
		delivered = micros(tx.now)
	}
	err := tx.conn.Queue(`
		UPDATE source_deliveries
		SET status = $1, attempts = $2, verified = $3, error = $4, due_at = $5, delivered_at = $6, lease_owner = NULL, updated_at = $7
		WHERE id = $8 AND `+leaseOwner+` = $9 AND lease_number = $10 AND status IN (`+quoted(transition.From)+`)`,
		[]any{string(transition.To), d.Attempts, d.Verified, textOrNull(d.Error), microsOrNull(again), delivered, micros(tx.now),
			d.ID, d.Lease.Owner, d.Lease.Number}, mustChange)
	if err != nil || transition.To == model.SourceDeliveryPending {
		return err
	}
	if err := tx.EndRequest(d.ID, transition.To == model.SourceDeliveryDelivered && d.Verified); err != nil {
		return err
	}
	return tx.conn.Queue(`
		UPDATE source_deliveries SET due_at = $1, updated_at = $1
		WHERE id = (SELECT id FROM source_deliveries WHERE source_id = $2 AND status = '`+string(model.SourceDeliveryPending)+`' ORDER BY number LIMIT 1)`,
		[]any{micros(tx.now), d.SourceID}, nil)
}

// SourceDeliveries returns up to limit deliveries of a source in the order they
// came, after the given number; 0 for the first.
func (tx *Tx) SourceDeliveries(sourceID string, after int64, limit int) ([]model.SourceDelivery, error) {
	return collect(tx, `SELECT `+sourceDeliveryColumns+` FROM source_deliveries WHERE source_id = $1 AND number > $2 ORDER BY number LIMIT $3`,
		[]any{sourceID, after, limit}, func(rows database.Rows) (model.SourceDelivery, error) { return scanSourceDelivery(rows) })
}
