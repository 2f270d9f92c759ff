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

// work delivers a notification that is leased to this process, and then those that
// wait for the same destination while nobody else needs the room.
func (s *Service) work(ctx context.Context, claimed delivery) {
	for next, more := claimed, true; more; {
		outcome := s.deliver(ctx, next)
		next, more = s.after(ctx, next, outcome)
	}
}

// deliver makes one attempt for a notification, has it recorded, and returns what
// came of it as far as its destination is concerned.
func (s *Service) deliver(ctx context.Context, claimed delivery) pace.Outcome {
	defer claimed.done()
	n := claimed.Notification
	if n.Lease.Owner != s.config.Node.ID() {
		return pace.Outcome{} // others have taken it over
	}
	order, err := s.order(ctx, claimed)
	if errors.Is(err, model.ErrLost) {
		return pace.Outcome{} // others have taken it over
	}
	if err == nil && order.held(n) {
		s.outcomes.record(ctx, outcome{EndedAttempt: store.EndedAttempt{Notification: n}, kind: held, done: s.working(n)})
		return pace.Outcome{}
	}
	attempt, interrupted := s.attempt(ctx, n, order, err)
	transition := s.settle(&n, order, &attempt, interrupted)
	if attempt.Error != "" {
		s.log.Warn("a notification was not delivered", "notification", n.ID, "run", n.RunID, "attempt", attempt.Number, "err", attempt.Error, "duration_ms", attempt.Duration.Milliseconds(), "next_attempt_at", attempt.NextAttemptAt)
	}
	ended := outcome{EndedAttempt: store.EndedAttempt{Notification: n, Transition: transition, Attempt: attempt}}
	if changesHealth(order.subscription, attempt, interrupted, s.clock.Now()) {
		// It locks its subscription, so it goes alone.
		s.recordHealth(ctx, order, ended)
	} else {
		ended.done = s.working(n)
		s.outcomes.record(ctx, ended)
	}
	return pace.Outcome{
		Failed: err == nil && !interrupted && cannotCope(attempt), LeaveAlone: leaveAlone(attempt),
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

// recordHealth records an attempt that changes how its subscription is doing.
func (s *Service) recordHealth(ctx context.Context, order order, ended outcome) {
	err := s.config.Node.Record(ctx, func(tx *store.Tx) error {
		if err := s.noteHealth(tx, order, ended.Attempt); err != nil {
			return err
		}
		return s.writeIn(tx, []outcome{ended})
	})
	if err != nil {
		s.notRecorded(ctx, ended, err)
	}
}

// after ends a delivery, and returns the one to go on with in its place, if there
// is any.
func (s *Service) after(ctx context.Context, ended delivery, outcome pace.Outcome) (next delivery, ok bool) {
	destination := ended.Destination
	waits := s.pace.Done(destination, outcome)
	if outcome.Failed || outcome.LeaveAlone > 0 {
		s.giveBack(ctx, destination)
	}
	if s.loop.Wanted() {
		s.loop.Wake(s.clock.Now())
		return next, false
	}
	taken, left := s.begin(destination, 1)
	if waits && left <= s.pace.Ahead(destination)/2 || left > 0 && len(taken) == 0 {
		s.loop.Wake(s.clock.Now())
	}
	if len(taken) == 0 {
		return next, false
	}
	return taken[0], true
}

// begin takes up to n of the notifications that were claimed ahead for a
// destination and may begin now. It returns how many are left.
func (s *Service) begin(destination string, n int) (taken []delivery, left int) {
	room := s.pace.Reserve(destination, min(n, s.ahead.countOf(destination)))
	taken, left = s.ahead.take(destination, room)
	s.pace.Release(destination, room-len(taken))
	return taken, left
}

// giveBack gives back what was claimed ahead for a destination, which cannot cope
// with it now.
func (s *Service) giveBack(ctx context.Context, destination string) {
	taken, _ := s.ahead.take(destination, mostAhead)
	if len(taken) == 0 {
		return
	}
	back := make([]outcome, len(taken))
	for i, d := range taken {
		back[i] = outcome{EndedAttempt: store.EndedAttempt{Notification: d.Notification}, kind: givenBack, done: d.done}
	}
	s.outcomes.record(ctx, back...)
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
