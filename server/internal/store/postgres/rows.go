package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/runhook/runhook/server/internal/store/database"
)

// rows reads the result of a statement, the last of its batch.
type rows struct {
	transaction *transaction
	results     pgx.BatchResults
	found       pgx.Rows
	query       string
	err         error
	// first is true until Next has given the row that Query fetched.
	first, more, closed bool
}

var _ database.Rows = (*rows)(nil)

// Next moves to the next row and reports whether there is one.
func (r *rows) Next() bool {
	if r.closed || !r.more {
		return false
	}
	if r.first {
		r.first = false
		return true
	}
	r.more = r.found.Next()
	if err := r.found.Err(); err != nil && r.err == nil {
		r.err = r.transaction.fail(describe(r.query, err))
	}
	return r.more
}

// Scan copies the columns of the row into what dest points to.
func (r *rows) Scan(dest ...any) error {
	if r.closed || !r.more || r.first {
		return r.transaction.fail(errors.New("scan: there is no row; call Next first"))
	}
	if err := r.found.Scan(dest...); err != nil {
		r.more = false
		r.err = r.transaction.fail(fmt.Errorf("scan: %w", err))
		return r.err
	}
	return nil
}

// Err returns the error that ended the rows early.
func (r *rows) Err() error { return r.err }

// Close reads the rest of the result. It may be called more than once.
func (r *rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.found.Close()
	err := r.results.Close()
	if found := r.found.Err(); found != nil {
		err = found
	}
	r.transaction.open = nil
	if err != nil && r.err == nil {
		r.err = r.transaction.fail(describe(r.query, err))
	}
}
