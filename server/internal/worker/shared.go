package worker

import (
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/fairness"
	"github.com/runhook/runhook/server/internal/store"
)

// Shared is how a loop claims rows of T whose slots are shared among environments.
type Shared[T any] struct {
	Node *Node
	// Slots are those of the loop. Whoever has done an item gives its slot back.
	Slots *fairness.Slots
	// Due returns the environments that something is due for, now or later.
	Due func(*store.Tx) ([]store.Due, error)
	// Lease leases up to limit due rows of an environment to an owner.
	Lease func(tx *store.Tx, owner, environmentID string, limit int) ([]T, error)
}

// portion is what an environment may have, and has got, of a claim.
type portion struct {
	environmentID string
	room, got     int
}

// Claim leases up to limit due rows to this process: as many of each environment,
// as far as there are and its share of the slots allows. It also returns when to
// look again; whoever gives a slot back may know of an earlier time.
func (s Shared[T]) Claim(ctx context.Context, limit int) (claimed []T, next time.Time, err error) {
	portions, next, err := s.due(ctx)
	if err != nil || len(portions) == 0 {
		return nil, next, err
	}
	s.divide(portions, limit)
	if !slices.ContainsFunc(portions, func(p portion) bool { return p.room > 0 }) {
		return nil, next, nil
	}
	claimed, err = s.lease(ctx, portions)
	for _, p := range portions {
		wanted := s.Slots.Release(p.environmentID, p.room-p.got)
		if mayHaveMore := p.room > 0 && p.got == p.room; wanted || mayHaveMore {
			next = s.Node.clock.Now()
		}
	}
	return claimed, next, err
}

// due returns the environments that something is due for now, with nothing yet, and
// when something is due for another.
func (s Shared[T]) due(ctx context.Context) (portions []portion, next time.Time, err error) {
	err = s.Node.store.View(ctx, func(tx *store.Tx) error {
		all, err := s.Due(tx)
		all = slices.DeleteFunc(all, func(d store.Due) bool { return s.Node.Off(d.Of) })
		var due []store.Due
		due, next = store.SplitDue(all, tx.Now())
		portions = make([]portion, len(due))
		for i, d := range due {
			portions[i].environmentID = d.Of
		}
		return err
	})
	return portions, next, err
}

// divide gives room for up to limit rows: equal parts of it, and what is then left from
// the first on.
func (s Shared[T]) divide(portions []portion, limit int) {
	for given := 1; given > 0; limit -= given {
		given = fairness.Divide(limit, len(portions), func(i, part int) int {
			taken := s.Slots.TryAcquire(portions[i].environmentID, part)
			portions[i].room += taken
			return taken
		})
	}
}

func (s Shared[T]) lease(ctx context.Context, portions []portion) (claimed []T, err error) {
	owner := s.Node.ID()
	err = s.Node.store.Update(ctx, func(tx *store.Tx) error {
		claimed = nil
		for i := range portions {
			p := &portions[i]
			if p.room == 0 {
				continue
			}
			rows, err := s.Lease(tx, owner, p.environmentID, p.room)
			if err != nil {
				return err
			}
			p.got = len(rows)
			claimed = append(claimed, rows...)
		}
		return nil
	})
	if err != nil {
		for i := range portions {
			portions[i].got = 0
		}
		s.Node.RotateIfUnknown(err)
		return nil, err
	}
	return claimed, nil
}
