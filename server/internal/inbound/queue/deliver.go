package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/worker"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// MaximumAttempts is how often a request is handed to an app before it is exhausted
// (docs/protocol/execution.md §1.6).
const MaximumAttempts = 14

// deliver makes one attempt for a delivery that is leased to this process, and
// records what came of it.
func (q *Queue) deliver(ctx context.Context, d store.ClaimedSourceDelivery) {
	defer q.config.Node.Working(store.LeasedDeliveries, d.ID)()
	defer func() {
		if q.slots.Release(d.EnvironmentID, 1) {
			q.Wake()
		}
	}()
	log := q.log.With("delivery", d.ID, "source", d.SourceID, "environment", d.EnvironmentID, "attempt", d.Attempts+1)
	held := q.config.Texts.Hold(d.EnvironmentID)
	defer held.Release()
	started := q.clock.Now()
	result, environment, failure := q.attempt(ctx, d, held)
	err := q.end(ctx, d.SourceDelivery, environment, result, failure)
	if worker.Refused(err) {
		// What follows from the app's answer cannot be kept, and so none of it is.
		log.Error("the database refuses what an app made of a request; recording that it does", "err", err)
		const what = "record what the app made of the request: %w"
		switch {
		case model.CodeOf(err) != 0: // said for people, and kept
			failure = fmt.Errorf(what, err)
		case errors.Is(err, database.ErrData):
			failure = fmt.Errorf(what, database.ErrData)
		default:
			failure = errors.New("what the app made of the request could not be recorded")
		}
		err = q.end(ctx, d.SourceDelivery, environment, Result{}, failure)
	}
	if failure != nil {
		log.Warn("a request was not delivered to its app", "err", failure, "duration_ms", q.clock.Now().Sub(started).Milliseconds())
	}
	switch {
	case errors.Is(err, model.ErrLeaseLost):
		log.Info("dropped the outcome of a delivery: another server has taken over its lease")
	case err != nil:
		log.Error("cannot record a delivery; it is made again when this process has restarted", "err", err)
	}
}

// end records the outcome of an attempt, and wakes the loop for the next.
func (q *Queue) end(ctx context.Context, d model.SourceDelivery, environment *model.Environment, result Result, failure error) error {
	transition, again := q.settle(ctx, &d, environment, result, failure)
	return q.config.Node.Record(ctx, func(tx *store.Tx) error {
		if err := tx.EndSourceAttempt(d, transition, again); err != nil {
			return err
		}
		due := again
		if due.IsZero() {
			due = tx.Now() // the next of the source
		}
		if err := q.announce(tx, due); err != nil || failure != nil || result.Record == nil {
			return err
		}
		return result.Record(tx)
	})
}

// attempt hands a request to its app once. environment is nil if it could not be
// read.
func (q *Queue) attempt(ctx context.Context, d store.ClaimedSourceDelivery, held *budget.Held) (result Result, environment *model.Environment, err error) {
	deliverer, known := q.config.Deliverers[d.Kind]
	if !known {
		return result, nil, fmt.Errorf("deliver a request of the kind %s: this program does not know it", d.Kind)
	}
	if environment, err = q.config.Node.Environment(ctx, d.EnvironmentID); err != nil {
		return result, nil, err
	}
	if err := held.Acquire(ctx, d.Bytes); err != nil {
		return result, environment, err
	}
	var request model.IncomingRequest
	err = q.config.Node.View(ctx, func(tx *store.Tx) (err error) {
		request, _, err = tx.SourceRequest(d.ID)
		return err
	})
	if err != nil {
		return result, environment, err
	}
	result, err = deliverer.Deliver(ctx, environment, d.SourceDelivery, request)
	return result, environment, err
}

// settle moves a delivery past an attempt. It returns the transition that it takes
// and, if there is to be another attempt, when.
func (q *Queue) settle(ctx context.Context, d *model.SourceDelivery, environment *model.Environment, result Result, failure error) (model.SourceDeliveryTransition, time.Time) {
	now := q.clock.Now()
	if failure != nil && errors.Is(context.Cause(ctx), loop.ErrStopping) {
		return model.SourceDeliveryRetried, now
	}
	if errors.Is(failure, database.ErrUnavailable) {
		return model.SourceDeliveryRetried, now.Add(pauseAfter(1, nil)) // the app was not asked
	}
	d.Attempts++
	if failure == nil {
		d.Verified, d.Error = result.Verified, model.KeptReason(result.Error)
		return model.SourceDeliveryTaken, time.Time{}
	}
	d.Error = model.KeptReason(failure.Error())
	most := MaximumAttempts
	if environment != nil && environment.Type == protocol.Development {
		most = 1
	}
	if d.Attempts >= most || final(failure) {
		return model.SourceDeliveryAbandoned, time.Time{}
	}
	return model.SourceDeliveryRetried, now.Add(pauseAfter(d.Attempts, failure))
}

// final reports whether another attempt would fail as this one did: the app took
// the request, and what it made of it is not what the protocol says or cannot be
// kept.
func final(failure error) bool {
	answered, ok := errors.AsType[*endpoint.Error](failure)
	return ok && answered.Malformed || model.CodeOf(failure) == model.Invalid || errors.Is(failure, database.ErrData)
}

// pauseAfter returns how long to wait after a number of attempts, the last of which
// failed (docs/protocol/execution.md §1.6).
func pauseAfter(attempts int, failure error) time.Duration {
	const longest = 10 // steps; the last takes six hours
	pause := time.Duration(math.Exp(float64(min(attempts, longest))) * float64(time.Second))
	if asked, ok := errors.AsType[*endpoint.Error](failure); ok {
		return max(pause, asked.RetryAfter)
	}
	return pause
}
