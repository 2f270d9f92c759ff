package store

import (
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

// SetNextIndex says when an endpoint is to be indexed without a request;
// the zero time for never.
func (tx *Tx) SetNextIndex(endpointID string, at time.Time) error {
	return tx.conn.Queue(`UPDATE endpoints SET index_due_at = $1 WHERE id = $2`, []any{microsOrNull(at), endpointID}, nil)
}

// TakeUnindexed returns up to limit endpoints whose time to be indexed has come,
// and has them due next at the given time: the caller enqueues an indexing for each,
// in the same transaction.
func (tx *Tx) TakeUnindexed(limit int, next time.Time) ([]model.Endpoint, error) {
	return collect(tx, tx.skipLockedClaim(`
			SELECT id FROM endpoints
			WHERE index_due_at IS NOT NULL AND index_due_at <= $2 AND url <> ''
			ORDER BY index_due_at LIMIT $3`)+`
		UPDATE endpoints SET index_due_at = $1
		WHERE id IN (SELECT id FROM picked)
		RETURNING `+endpointColumns, []any{micros(next), micros(tx.now), limit}, scanEndpoint)
}

// NextUnindexed returns when the next endpoint is to be indexed without
// ordered it, or the zero time for never.
func (tx *Tx) NextUnindexed() (time.Time, error) {
	return tx.nextDue(`SELECT index_due_at FROM endpoints WHERE index_due_at IS NOT NULL AND url <> '' ORDER BY index_due_at LIMIT 1`)
}

// ForgetIndexes removes the indexings of an endpoint that ended and were made
// before the time, but never the last one.
func (tx *Tx) ForgetIndexes(endpointID string, before time.Time) error {
	return tx.conn.Queue(`
		DELETE FROM endpoint_indexes
		WHERE endpoint_id = $1 AND id < $2 AND due_at IS NULL AND lease_owner IS NULL
		  AND id <> (SELECT MAX(id) FROM endpoint_indexes WHERE endpoint_id = $1)`,
		[]any{endpointID, model.FirstID(model.PrefixEndpointIndex, before)}, nil)
}

// LastIndex returns the indexing of an endpoint that was ordered last.
func (tx *Tx) LastIndex(endpointID string) (model.EndpointIndex, bool, error) {
	return first(tx, `SELECT `+indexColumns+` FROM endpoint_indexes WHERE endpoint_id = $1 ORDER BY id DESC LIMIT 1`,
		[]any{endpointID}, scanIndex)
}

// Endpoints returns a page of the endpoints of an environment, by slug and from the
// given one on, and the slug of the first that is not on it. Their last indexings
// ([Tx.LastIndex]) count for the page, too.
func (tx *Tx) Endpoints(environmentID, from string, page Page) ([]model.Endpoint, string, error) {
	return readPage(tx, listing[model.Endpoint]{
		columns: endpointColumns, from: `FROM endpoints WHERE environment_id = $1 AND slug >= $2 ORDER BY slug`,
		args: []any{environmentID, from}, key: "slug",
		size: bytesOf("slug", "url") + ` + COALESCE((SELECT ` + bytesOf("i.source_data", "i.reason", "i.stats", "i.error") + `
			FROM endpoint_indexes i WHERE i.endpoint_id = endpoints.id ORDER BY i.id DESC LIMIT 1), 0)`,
		scan: scanEndpoint,
	}, page)
}
