package store

import (
	"context"
	"errors"

	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/store/database"
)

// The components of package health that stand for the database.
const (
	// ReadsComponent fails while nothing can be read.
	ReadsComponent = "database reads"
	// WritesComponent fails while nothing can be written.
	WritesComponent = "database writes"
)

// report notes what a transaction says of the database. What is the caller's own
// affair, such as an error of its function or a context that ended, says that the
// database works, or nothing.
func report(component *health.Component, err error) {
	switch {
	case err == nil:
		component.Succeeded()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, database.ErrUnavailable), errors.Is(err, database.ErrFull):
		component.Failed(err)
	}
}
