package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/worker"
)

// notRecorded deals with an outcome that could not be recorded. One that the database
// refuses is recorded without what came from outside; if it refuses that, too, the
// notification is given up, so that it is sent again only when somebody asks.
func (s *Service) notRecorded(ctx context.Context, o outcome, err error) {
	log := s.log.With("notification", o.Notification.ID, "run", o.Notification.RunID, "environment", o.Notification.EnvironmentID)
	for _, instead := range []func(outcome) outcome{bare, givenUp} {
		if !worker.Refused(err) {
			break
		}
		log.Error("the database refuses the outcome of a delivery; recording less of it", "attempt", o.Attempt.Number, "err", err)
		o = instead(o)
		err = s.writeOutcomes(ctx, []outcome{o})
	}
	switch {
	case err == nil:
	case errors.Is(err, model.ErrLeaseLost):
		log.Warn("dropped the outcome of a delivery: another server has taken over its lease")
	default:
		log.Error("cannot record an attempt; the notification is sent again when its lease expires", "err", err)
	}
}

// bare is an outcome without anything that was received or chosen by others.
func bare(o outcome) outcome {
	if o.kind != attempted {
		return o
	}
	o.Attempt.Response, o.Attempt.RequestHeaders = "(what was answered could not be recorded)", nil
	if o.Attempt.Error != "" {
		o.Attempt.Error = "the attempt failed, and why could not be recorded"
		if o.Attempt.HTTPStatus != 0 {
			o.Attempt.Error = fmt.Sprintf("the receiver answered %d; the rest could not be recorded", o.Attempt.HTTPStatus)
		}
	}
	return o
}

// givenUp is an outcome that says only that its notification is not sent any more.
func givenUp(o outcome) outcome {
	o.kind = setAside
	return o
}
