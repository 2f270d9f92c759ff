package notify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// allotment is how many notifications to a destination may be claimed, and how
// many were.
type allotment struct {
	destination string
	room        int
	claimed     int
}

// claim leases due notifications, for each destination no more than there is room
// for, so that the backlog of one does not keep others waiting.
func (s *Service) claim(ctx context.Context, limit int) ([]delivery, time.Time, error) {
	due, next, err := s.due(ctx)
	if err != nil || len(due) == 0 {
		return nil, next, err
	}
	allotments := s.allot(due, limit)
	claimed, err := s.lease(ctx, allotments)
	for i, a := range allotments {
		if err != nil {
			s.pace.Release(a.destination, a.room, false)
			continue
		}
		s.pace.Release(a.destination, a.room-a.claimed, a.claimed < a.room)
		if a.claimed == a.room {
			next = earliest(next, s.pace.Next(allotments[i].destination))
		}
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return claimed, next, nil
}

// due returns the destinations that something is due for, the longest due first,
// and when something is due for another.
func (s *Service) due(ctx context.Context) (due []store.DueDestination, next time.Time, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		next, err = tx.NextDueNotification()
		if err != nil || next.IsZero() || next.After(tx.Now()) {
			return err
		}
		next = time.Time{}
		all, err := tx.DueDestinations()
		for _, d := range all {
			if d.DueAt.After(tx.Now()) {
				next = earliest(next, d.DueAt)
				continue
			}
			due = append(due, d)
		}
		return err
	})
	slices.SortFunc(due, func(a, b store.DueDestination) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.Destination, b.Destination))
	})
	return due, next, err
}

// allot divides room for limit notifications among destinations: first evenly,
// then what is left to those that come first.
func (s *Service) allot(due []store.DueDestination, limit int) []allotment {
	allotments := make([]allotment, len(due))
	for i, d := range due {
		allotments[i].destination = d.Destination
	}
	for share := max(1, limit/len(due)); limit > 0; share = limit {
		given := 0
		for i := range allotments {
			n := s.pace.Reserve(allotments[i].destination, min(share, limit))
			allotments[i].room += n
			limit -= n
			given += n
		}
		if given == 0 {
			break
		}
	}
	return allotments
}

// lease claims what was allotted, and reads the subscriptions that it is for.
func (s *Service) lease(ctx context.Context, allotments []allotment) ([]delivery, error) {
	if !slices.ContainsFunc(allotments, func(a allotment) bool { return a.room > 0 }) {
		return nil, nil
	}
	owner := s.config.Node.ID()
	var claimed []model.Notification
	var subscriptions map[string]*model.Subscription
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		claimed = claimed[:0]
		for i := range allotments {
			a := &allotments[i]
			if a.room == 0 {
				continue
			}
			found, err := tx.ClaimNotifications(owner, a.destination, a.room)
			if err != nil {
				return err
			}
			a.claimed = len(found)
			claimed = append(claimed, found...)
		}
		var err error
		subscriptions, err = tx.SubscriptionsOf(claimed)
		return err
	})
	if err != nil {
		s.config.Node.Doubt(err)
		return nil, err
	}
	deliveries := make([]delivery, len(claimed))
	for i, n := range claimed {
		deliveries[i] = delivery{Notification: n, known: true, subscription: subscriptions[n.SubscriptionID]}
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
