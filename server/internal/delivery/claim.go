package delivery

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/outbox"
	"github.com/runhook/runhook/server/internal/store"
)

// allotment is how many notifications to a destination may be claimed.
type allotment struct {
	destination string
	// due is set when more is due for it than was prefetched.
	due bool
	// room is how many may begin now, beyond those that begin already, and prefetch how
	// many may be claimed besides.
	room, prefetch int
}

// wanted is how many are to be claimed.
func (a allotment) wanted() int { return a.room + a.prefetch }

// claim leases due notifications, for each destination no more than there is room
// for and, for one that answers quickly, a prefetch, so that the backlog of one does
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
	claims, err := s.lease(ctx, allotments)
	if err != nil {
		for _, a := range allotments {
			s.lanes.Release(a.destination, a.room)
		}
		return begin, time.Time{}, err
	}
	for i, a := range allotments {
		claimed := claims[i].deliveries
		now := min(a.room, len(claimed))
		begin = append(begin, claimed[:now]...)
		s.lanes.Put(a.destination, claimed[now:])
		s.lanes.Release(a.destination, a.room-now)
		// Whether there is more is known only of those that had all they wanted.
		more := a.due && (len(claimed) == a.wanted() || claims[i].more)
		s.lanes.SetBacklog(a.destination, more || claims[i].blocked)
		if more {
			next = earliest(next, s.lanes.NextAt(a.destination))
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
		all = slices.DeleteFunc(all, func(d store.Due) bool { return s.off(d.Of) })
		due, next = store.SplitDue(all, tx.Now())
		return err
	})
	slices.SortFunc(due, func(a, b store.Due) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Of, b.Of))
	})
	return due, next, err
}

// off reports whether the environment of a destination is switched off.
func (s *Service) off(destination string) bool {
	return s.config.Node.Off(outbox.EnvironmentOf(destination))
}

// candidates returns an allotment of nothing for each destination that something is
// due for. Those that something was claimed for already come first.
func (s *Service) candidates(due []store.Due) []allotment {
	var all []allotment
	for _, destination := range s.lanes.Prefetched() {
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
// then what is left to those that come first. It returns those that were
// prefetched and begin now.
func (s *Service) allot(allotments []allotment, limit int) (begin []delivery) {
	for share := max(1, limit/len(allotments)); limit > 0; share = limit {
		given := 0
		for i := range allotments {
			a := &allotments[i]
			claimed, _ := s.lanes.Begin(a.destination, min(share, limit))
			begin = append(begin, claimed...)
			n := s.lanes.Acquire(a.destination, min(share, limit)-len(claimed))
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
		// A few are not worth a transaction.
		if allowed, room := s.lanes.Prefetch(a.destination); a.due && room >= allowed/2 {
			a.prefetch = room
		}
	}
	return begin
}

// claimed is what was claimed for an allotment.
type claimed struct {
	deliveries []delivery
	// more is set if others had no room together with these.
	more bool
	// blocked is set if there was no room for the body of any.
	blocked bool
}

// lease claims what was allotted, as far as there is room for the bodies, and reads
// the subscriptions that it is for.
func (s *Service) lease(ctx context.Context, allotments []allotment) ([]claimed, error) {
	claims := make([]claimed, len(allotments))
	if !slices.ContainsFunc(allotments, func(a allotment) bool { return a.wanted() > 0 }) {
		return claims, nil
	}
	var found []model.Notification
	counts := make([]int, len(allotments))
	var subscriptions map[string]*model.Subscription
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if found, err = s.leaseIn(tx, allotments, claims, counts); err != nil {
			return err
		}
		if err := tx.ReadBodies(found); err != nil {
			return err
		}
		subscriptions, err = tx.SubscriptionsOf(found)
		return err
	})
	if err != nil {
		s.config.Node.RotateIfUnknown(err)
		return nil, err
	}
	now := s.clock.Now()
	for i, count := range counts {
		for _, n := range found[:count] {
			claims[i].deliveries = append(claims[i].deliveries, delivery{
				Notification: n, claimedAt: now, subscription: subscriptions[n.SubscriptionID], done: s.workingOnClaimed(n),
			})
		}
		found = found[count:]
	}
	return claims, nil
}

// leaseIn claims what was allotted, and returns it without bodies, for which there is
// room. counts says how many are of each allotment.
//
// The room is divided evenly among destinations. One for whose first notification there
// is too little keeps later ones from what is left, of its environment or of all, so
// that the large are not starved by the small.
func (s *Service) leaseIn(tx *store.Tx, allotments []allotment, claims []claimed, counts []int) (found []model.Notification, err error) {
	clear(claims)
	clear(counts)
	blocked, allBlocked := map[string]bool{}, false
	for i, a := range allotments {
		environment := outbox.EnvironmentOf(a.destination)
		if a.wanted() == 0 {
			continue
		}
		if allBlocked || blocked[environment] {
			claims[i].blocked = a.due
			continue
		}
		room := s.bodies.claimed.Room(environment)
		c, err := tx.ClaimNotifications(store.NotificationClaim{
			Owner: s.config.Node.ID(), Destination: a.destination, Limit: a.wanted(),
			Bytes: room.Several / int64(len(allotments)-i), FirstBytes: room.Single,
		})
		if err != nil {
			return nil, err
		}
		if err := s.bodies.acquireClaimed(environment, c.Bytes); err != nil {
			return nil, err
		}
		tx.AfterRollback(func(error) { s.bodies.releaseClaimed(environment, c.Bytes) })
		found, counts[i] = append(found, c.Notifications...), len(c.Notifications)
		claims[i].more = c.More
		if a.due && len(c.Notifications) == 0 && s.bodies.isShort(environment, room) {
			claims[i].blocked = true
			blocked[environment], allBlocked = true, !room.Group
		}
	}
	return found, nil
}

// earliest returns the earlier of two times, of which a zero one is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
