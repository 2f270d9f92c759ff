package notify

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pace"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// longestRetryAfter bounds how long a receiver may put an attempt off,
	// longestLeaveAlone how long everything that goes to it.
	longestRetryAfter = 24 * time.Hour
	longestLeaveAlone = 5 * time.Minute
)

// deliver makes one attempt for a notification that is leased to this process,
// and records it.
func (s *Service) deliver(ctx context.Context, claimed delivery) {
	n := claimed.Notification
	order, err := s.order(ctx, claimed)
	if err == nil && order.held(n) {
		s.hold(ctx, n)
		return
	}
	attempt, interrupted := s.attempt(ctx, n, order, err)
	transition := s.settle(&n, order, &attempt, interrupted)
	if attempt.Error != "" {
		s.log.Warn("a notification was not delivered", "notification", n.ID, "run", n.RunID, "attempt", attempt.Number, "err", attempt.Error, "duration_ms", attempt.Duration.Milliseconds(), "next_attempt_at", attempt.NextAttemptAt)
	}
	s.leave(n, pace.Outcome{Failed: err == nil && !interrupted && cannotCope(attempt), LeaveAlone: leaveAlone(attempt)})
	outcome := func(tx *store.Tx) error {
		if !n.ScheduledAt.IsZero() {
			tx.AfterCommit(func() { s.loop.Wake(n.ScheduledAt) })
		}
		s.tell(tx, n, attempt)
		return tx.EndAttempt(n, transition, attempt)
	}
	if changesHealth(order.subscription, attempt, interrupted, s.clock.Now()) {
		// It locks its subscription, so it goes alone.
		s.recorded(n, s.config.Node.Record(ctx, func(tx *store.Tx) error {
			if err := s.noteHealth(tx, order, attempt); err != nil {
				return err
			}
			return outcome(tx)
		}))
		return
	}
	s.recorded(n, s.outcomes.record(ctx, n.ID, outcome))
}

// hold keeps a notification for later, as its subscription is switched off.
func (s *Service) hold(ctx context.Context, n model.Notification) {
	s.leave(n, pace.Outcome{})
	s.recorded(n, s.outcomes.record(ctx, n.ID, func(tx *store.Tx) error { return tx.HoldNotification(n) }))
}

// leave makes room at the destination for others that wait for it.
func (s *Service) leave(n model.Notification, outcome pace.Outcome) {
	if s.pace.Done(n.Destination, outcome) {
		s.loop.Wake(s.clock.Now())
	}
}

// recorded says in the log what became of recording an attempt.
func (s *Service) recorded(n model.Notification, err error) {
	switch {
	case errors.Is(err, model.ErrLost):
		s.log.Warn("another process took over a notification while this one was sending it", "notification", n.ID, "run", n.RunID)
	case err != nil:
		s.log.Error("cannot record an attempt; the notification is sent again when this process has restarted", "notification", n.ID, "run", n.RunID, "err", err)
	}
}

// settle moves the counters and the schedule of a notification past an attempt,
// and returns the transition it takes.
func (s *Service) settle(n *model.Notification, order order, attempt *model.NotificationAttempt, interrupted bool) model.NotificationTransition {
	now := s.clock.Now()
	n.Attempts++
	switch {
	case attempt.Error == "":
		n.ScheduledAt = time.Time{}
		return model.NotificationReceived
	case interrupted:
		n.ScheduledAt = now
		attempt.NextAttemptAt = now
		return model.NotificationRetried
	case order.refused(attempt.HTTPStatus):
		n.ScheduledAt = time.Time{}
		return model.NotificationGivenUp
	case attempt.Cause == model.AttemptResend:
		attempt.NextAttemptAt = n.ScheduledAt
		return model.NotificationRetried
	}
	n.ScheduledAttempts++
	pause, ok := pauseBefore(order.schedule, n.ScheduledAttempts, s.config.Random())
	if !ok {
		n.ScheduledAt = time.Time{}
		return model.NotificationGivenUp
	}
	n.ScheduledAt = now.Add(max(pause, attempt.RetryAfter))
	attempt.NextAttemptAt = n.ScheduledAt
	return model.NotificationRetried
}

// cannotCope reports whether an attempt says that its destination is down or has
// too much to do, as against refusing this one request.
func cannotCope(attempt model.NotificationAttempt) bool {
	switch status := attempt.HTTPStatus; {
	case status == 0:
		return attempt.Error != ""
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return true
	}
	return false
}

// leaveAlone returns for how long a destination that has too much to do asked for
// no requests at all.
func leaveAlone(attempt model.NotificationAttempt) time.Duration {
	if attempt.HTTPStatus == http.StatusTooManyRequests || attempt.HTTPStatus == http.StatusServiceUnavailable {
		return min(attempt.RetryAfter, longestLeaveAlone)
	}
	return 0
}
