package delivery

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/runhook/runhook/server/internal/delivery/lane"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// longestRetryAfter bounds how long a receiver may put an attempt off,
	// longestPause how long everything that goes to it.
	longestRetryAfter = 24 * time.Hour
	longestPause      = 5 * time.Minute
)

// work delivers a notification that is leased to this process, and then those that
// wait for the same destination while nobody else needs the room.
func (s *Service) work(ctx context.Context, claimed delivery) {
	for next, more := claimed, true; more; {
		result := s.deliverCaught(ctx, next)
		next, more = s.after(ctx, next, result)
	}
}

// deliverCaught is deliver of which a panic ends nothing else: neither the deliveries
// that follow in the same slot, nor what the destination is allowed.
func (s *Service) deliverCaught(ctx context.Context, claimed delivery) (result lane.Result) {
	if panicked := panics.Do(func() { result = s.deliver(ctx, claimed) }); panicked != nil {
		s.config.Node.Panicked(ctx, leased(claimed), panicked)
	}
	return result
}

// deliver makes one attempt for a notification, has it recorded, and returns what
// came of it as far as its destination is concerned.
func (s *Service) deliver(ctx context.Context, claimed delivery) lane.Result {
	defer claimed.done()
	n := claimed.Notification
	if n.Lease.Owner != s.config.Node.ID() {
		return lane.Result{} // others have taken it over
	}
	plan, err := s.planOf(ctx, claimed)
	if errors.Is(err, model.ErrLeaseLost) {
		return lane.Result{} // others have taken it over
	}
	if err == nil && plan.held(n) {
		n.Body = nil
		s.outcomes.record(ctx, outcome{EndedAttempt: store.EndedAttempt{Notification: n}, kind: held, done: s.working(n)})
		return lane.Result{}
	}
	attempt, interrupted := s.attempt(ctx, n, plan, err)
	n.Body = nil // what waits to be recorded holds none
	transition := s.settle(&n, plan, &attempt, interrupted)
	if attempt.Error != "" {
		s.log.Warn("a notification was not delivered", "notification", n.ID, "run", n.RunID, "environment", n.EnvironmentID, "destination", loggedDestination(n.Destination), "subscription", n.SubscriptionID, "attempt", attempt.Number, "err", attempt.Error, "duration_ms", attempt.Duration.Milliseconds(), "next_attempt_at", attempt.NextAttemptAt)
	}
	ended := outcome{EndedAttempt: store.EndedAttempt{Notification: n, Transition: transition, Attempt: attempt}}
	if plan.subscription != nil && !interrupted && s.config.Subscriptions.HealthChanges(plan.subscription, attempt, s.clock.Now()) {
		// It locks its subscription, so it goes alone.
		s.recordHealth(ctx, plan, ended)
	} else {
		ended.done = s.working(n)
		s.outcomes.record(ctx, ended)
	}
	return lane.Result{
		Failed: err == nil && !interrupted && cannotCope(attempt), RetryAfter: pauseAsked(attempt),
		Quick: attempt.Error == "" && attempt.Duration < quick,
	}
}

// quick is how soon a destination answers for which notifications are claimed
// before there is room for them.
const quick = 100 * time.Millisecond

// working says that this process works on a notification that is leased to it.
func (s *Service) working(n model.Notification) (done func()) {
	return s.config.Node.Working(store.LeasedNotifications, n.ID)
}

// workingOnClaimed is working for a notification that was claimed, whose body has its
// room until then.
func (s *Service) workingOnClaimed(n model.Notification) (done func()) {
	ended, bytes := s.working(n), int64(len(n.Body))
	return func() {
		ended()
		s.bodies.releaseClaimed(n.EnvironmentID, bytes)
	}
}

// recordHealth records an attempt that changes how its subscription is doing.
func (s *Service) recordHealth(ctx context.Context, plan plan, ended outcome) {
	err := s.config.Node.Record(ctx, func(tx *store.Tx) error {
		if err := s.config.Subscriptions.RecordHealth(tx, plan.environment, plan.subscription, ended.Attempt); err != nil {
			return err
		}
		return s.writeIn(tx, []outcome{ended})
	})
	if err != nil {
		s.notRecorded(ctx, ended, err)
	}
}

// after ends a delivery, and returns the one that follows in its place, if there
// is any.
func (s *Service) after(ctx context.Context, ended delivery, result lane.Result) (next delivery, ok bool) {
	destination := ended.Destination
	s.lanes.Done(destination, result)
	if result.Failed || result.RetryAfter > 0 {
		s.giveBack(ctx, destination)
	}
	if s.loop.Wanted() {
		s.loop.Wake(s.clock.Now())
		return next, false
	}
	taken, low := s.lanes.Begin(destination, 1)
	if low {
		s.loop.Wake(s.clock.Now())
	}
	if len(taken) == 0 {
		return next, false
	}
	return taken[0], true
}

// giveBack gives back what was prefetched for a destination, which cannot cope
// with it now.
func (s *Service) giveBack(ctx context.Context, destination string) {
	taken := s.lanes.TakeAll(destination)
	if len(taken) == 0 {
		return
	}
	back := make([]outcome, len(taken))
	for i, d := range taken {
		d.Body = nil
		back[i] = outcome{EndedAttempt: store.EndedAttempt{Notification: d.Notification}, kind: givenBack, done: d.done}
	}
	s.outcomes.record(ctx, back...)
}

// settle moves the counters and the schedule of a notification past an attempt,
// and returns the transition it takes.
func (s *Service) settle(n *model.Notification, plan plan, attempt *model.NotificationAttempt, interrupted bool) model.NotificationTransition {
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
	case plan.refused(attempt.HTTPStatus):
		n.ScheduledAt = time.Time{}
		return model.NotificationLastAttemptFailed
	case attempt.Cause == model.AttemptResend:
		attempt.NextAttemptAt = n.ScheduledAt
		return model.NotificationRetried
	}
	n.ScheduledAttempts++
	pause, ok := pauseBefore(plan.schedule, n.ScheduledAttempts, s.config.Random())
	if !ok {
		n.ScheduledAt = time.Time{}
		return model.NotificationLastAttemptFailed
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

// pauseAsked returns for how long a destination that has too much to do asked for
// no requests at all.
func pauseAsked(attempt model.NotificationAttempt) time.Duration {
	if attempt.HTTPStatus == http.StatusTooManyRequests || attempt.HTTPStatus == http.StatusServiceUnavailable {
		return min(attempt.RetryAfter, longestPause)
	}
	return 0
}
