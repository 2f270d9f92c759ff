package notify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// allotment is how many notifications to a destination may be claimed.
type allotment struct {
	destination string
	// due is set when more is due for it than was claimed ahead.
	due bool
	// room is how many may begin now, beyond those that begin already, and ahead how
	// many may be claimed besides.
	room, ahead int
}

// wanted is how many are to be claimed.
func (a allotment) wanted() int { return a.room + a.ahead }

// claim leases due notifications, for each destination no more than there is room
// for and, of one that answers quickly, some ahead, so that the backlog of one does
// not keep others waiting. It returns those that may begin.
func (s *Service) claim(ctx context.Context, limit int) ([]delivery, time.Time, error) {
	due, next, err := s.due(ctx)
	if err != nil {
		return nil, next, err
	}
	allotments := s.candidates(due)
	if len(allotments) == 0 {
		return nil, next, nil
	}
	begin := s.allot(allotments, limit)
	claimed, err := s.lease(ctx, allotments)
	if err != nil {
		for _, a := range allotments {
			s.pace.Release(a.destination, a.room)
		}
		return begin, time.Time{}, err
	}
	for i, a := range allotments {
		now := min(a.room, len(claimed[i]))
		begin = append(begin, claimed[i][:now]...)
		s.ahead.put(a.destination, claimed[i][now:])
		s.pace.Release(a.destination, a.room-now)
		// Whether there is more is known only of those that had all they wanted.
		more := a.due && len(claimed[i]) == a.wanted()
		s.pace.Waits(a.destination, more)
		if more {
			next = earliest(next, s.pace.Next(a.destination))
		}
	}
	return begin, next, nil
}

// due returns the destinations that something is due for, the longest due first,
// and when something is due for another.
func (s *Service) due(ctx context.Context) (due []store.Due, next time.Time, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		due = nil
		next, err = tx.NextDueNotification()
		if err != nil || next.IsZero() || next.After(tx.Now()) {
			return err
		}
		all, err := tx.DueDestinations()
		due, next = store.SplitDue(all, tx.Now())
		return err
	})
	slices.SortFunc(due, func(a, b store.Due) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Of, b.Of))
	})
	return due, next, err
}

// candidates returns an allotment of nothing for each destination that something is
// due for. Those that something was claimed for already come first.
func (s *Service) candidates(due []store.Due) []allotment {
	var all []allotment
	for _, destination := range s.ahead.destinations() {
		all = append(all, allotment{destination: destination})
	}
	waiting := all
	for _, d := range due {
		i := slices.IndexFunc(waiting, func(a allotment) bool { return a.destination == d.Of })
		if i < 0 {
			all = append(all, allotment{destination: d.Of, due: true})
		} else {
			all[i].due = true
		}
	}
	return all
}

// allot divides room for limit notifications among destinations: first evenly,
// then what is left to those that come first. It returns those that were claimed
// ahead and begin now.
func (s *Service) allot(allotments []allotment, limit int) (begin []delivery) {
	for share := max(1, limit/len(allotments)); limit > 0; share = limit {
		given := 0
		for i := range allotments {
			a := &allotments[i]
			claimed, _ := s.begin(a.destination, min(share, limit))
			begin = append(begin, claimed...)
			n := s.pace.Reserve(a.destination, min(share, limit)-len(claimed))
			a.room += n
			given += len(claimed) + n
			limit -= len(claimed) + n
		}
		if given == 0 {
			break
		}
	}
	for i := range allotments {
		a := &allotments[i]
		most := s.pace.Ahead(a.destination)
		// A few are not worth a transaction.
		if room := s.ahead.room(a.destination, most); a.due && room >= most/2 {
			a.ahead = room
		}
	}
	return begin
}

// lease claims what was allotted, and reads the subscriptions that it is for.
func (s *Service) lease(ctx context.Context, allotments []allotment) ([][]delivery, error) {
	deliveries := make([][]delivery, len(allotments))
	if !slices.ContainsFunc(allotments, func(a allotment) bool { return a.wanted() > 0 }) {
		return deliveries, nil
	}
	owner := s.config.Node.ID()
	var claimed []model.Notification
	counts := make([]int, len(allotments))
	var subscriptions map[string]*model.Subscription
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		claimed = nil
		for i, a := range allotments {
			if a.wanted() == 0 {
				continue
			}
			found, err := tx.ClaimNotifications(owner, a.destination, a.wanted())
			if err != nil {
				return err
			}
			claimed, counts[i] = append(claimed, found...), len(found)
		}
		if err := tx.ReadBodies(claimed); err != nil {
			return err
		}
		var err error
		subscriptions, err = tx.SubscriptionsOf(claimed)
		return err
	})
	if err != nil {
		s.config.Node.Doubt(err)
		return nil, err
	}
	now := s.clock.Now()
	for i, count := range counts {
		for _, n := range claimed[:count] {
			deliveries[i] = append(deliveries[i], delivery{
				Notification: n, claimedAt: now, subscription: subscriptions[n.SubscriptionID], done: s.working(n),
			})
		}
		claimed = claimed[count:]
	}
	return deliveries, nil
}

// earliest returns the earlier of two times, of which a zero one is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
