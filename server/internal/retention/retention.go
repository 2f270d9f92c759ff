package retention

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

// Config is what a service works with. Every field is required.
type Config struct {
	Store *store.Store
	Node  *worker.Node
	// Unverified is how long requests are kept that their apps did not believe, in
	// every environment; zero for as long as others.
	Unverified time.Duration
	// Payloads is when payloads and details leave, Runs when the rest does.
	Payloads, Runs Ages
	Clock          clock.Clock
	Health         *health.Monitor
	Log            *slog.Logger
}

// Service removes what is old.
type Service struct {
	config Config
	store  *store.Store
	clock  clock.Clock
}

const (
	// interval is how often what is there is gone through.
	interval = 10 * time.Minute
	// leaseDuration is how long a process has the work for itself; each step renews the lease.
	leaseDuration = 2 * interval
	leaseName     = "retention"
	// window is how many rows are looked at together, batch how many are removed
	// in a transaction, and pause how long the others then have the database.
	window = 1000
	batch  = 100
	pause  = 50 * time.Millisecond
)

// New returns a service that removes nothing before Run is called.
func New(config Config) *Service {
	return &Service{config: config, store: config.Store, clock: config.Clock}
}

// Run removes what is old until ctx ends.
func (s *Service) Run(ctx context.Context) {
	if len(s.config.Payloads) == 0 && len(s.config.Runs) == 0 && s.config.Unverified == 0 {
		<-ctx.Done()
		return
	}
	component := s.config.Health.Component("retention")
	for s.wait(ctx, interval) {
		var removed Removed
		err := panics.Catch(func() (err error) {
			removed, err = s.Sweep(ctx)
			return err
		})
		switch {
		case err == nil:
			component.Succeeded()
		case ctx.Err() == nil:
			component.Failed(err) // the interval is pause enough
		}
		if removed != (Removed{}) {
			s.config.Log.Info("removed what is old", "trimmed_runs", removed.Trimmed, "runs", removed.Runs, "events", removed.Events,
				"requests", removed.Requests, "notifications", removed.Notifications)
		}
	}
}

// Removed counts what left: runs whose payloads and details did, runs, events that
// had no runs, requests of sources, and notifications of no run.
type Removed struct{ Trimmed, Runs, Events, Requests, Notifications int }

// Sweep leaves through all that is there once, unless another process has the lease. It
// returns what it removed, also when it ends with an error.
func (s *Service) Sweep(ctx context.Context) (removed Removed, err error) {
	// By the shared clock, since what was removed too early is lost.
	mine, now, err := s.acquireLease(ctx)
	if err != nil || !mine {
		return removed, err
	}
	if err := s.sweepUnverified(ctx, &removed); err != nil {
		return removed, fmt.Errorf("requests that were not verified: %w", err)
	}
	var environments []*model.Environment
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		environments, err = tx.Environments()
		return err
	})
	if err != nil {
		return removed, err
	}
	for _, environment := range environments {
		if err := s.sweepRuns(ctx, now, environment, &removed); err != nil {
			return removed, fmt.Errorf("old runs of %s: %w", environment.Type, err)
		}
	}
	for _, other := range []struct {
		what   string
		ages   Ages
		oldest func(tx *store.Tx, after string, limit int) ([]store.AgedRow, error)
		remove func(tx *store.Tx, ids []string) (int, error)
		total  *int
	}{
		{"events", s.config.Runs, (*store.Tx).OldestEvents, (*store.Tx).DeleteEvents, &removed.Events},
		{"requests of sources", s.config.Payloads, (*store.Tx).OldestSourceDeliveries, (*store.Tx).DeleteSourceDeliveries, &removed.Requests},
		{"notifications", s.config.Payloads, (*store.Tx).OldestLoneNotifications, (*store.Tx).DeleteLoneNotifications, &removed.Notifications},
	} {
		if err := s.sweepRows(ctx, cutoffs(now, other.ages, environments), other.oldest, other.remove, other.total); err != nil {
			return removed, fmt.Errorf("old %s: %w", other.what, err)
		}
	}
	return removed, nil
}

// sweepUnverified leaves through the requests that apps did not believe long ago.
func (s *Service) sweepUnverified(ctx context.Context, removed *Removed) error {
	if s.config.Unverified == 0 {
		return nil
	}
	before := s.clock.Now().Add(-s.config.Unverified)
	for after := (store.UnverifiedRequest{}); ; {
		var seen []store.UnverifiedRequest
		err := s.store.View(ctx, func(tx *store.Tx) (err error) {
			seen, err = tx.UnverifiedRequests(before, after, window)
			return err
		})
		if err != nil || len(seen) == 0 {
			return err
		}
		ids := make([]string, len(seen))
		for i, request := range seen {
			ids[i] = request.ID
		}
		err = s.inBatches(ctx, ids, &removed.Requests, func(tx *store.Tx, ids []string) (int, error) {
			return tx.DeleteUnverifiedRequests(ids, before)
		})
		if err != nil || len(seen) < window {
			return err
		}
		after = seen[len(seen)-1]
	}
}

// cutoffs returns the times before which something must have been made to be too
// old, by the environments in which it can be.
func cutoffs(now time.Time, ages Ages, environments []*model.Environment) map[string]time.Time {
	cutoffs := map[string]time.Time{}
	for _, environment := range environments {
		if cutoff := cutoff(now, ages, environment); !cutoff.IsZero() {
			cutoffs[environment.ID] = cutoff
		}
	}
	return cutoffs
}

func (s *Service) acquireLease(ctx context.Context) (mine bool, now time.Time, err error) {
	owner := s.config.Node.ID()
	err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
		mine, now, err = tx.TryAcquireLease(leaseName, owner, leaseDuration)
		return err
	})
	return mine, now, err
}

// sweepRuns leaves through the runs of an environment, oldest first, up to the
// first that is too young for anything.
func (s *Service) sweepRuns(ctx context.Context, now time.Time, environment *model.Environment, removed *Removed) error {
	trimBefore, deleteBefore := cutoff(now, s.config.Payloads, environment), cutoff(now, s.config.Runs, environment)
	youngest := trimBefore
	if deleteBefore.After(youngest) {
		youngest = deleteBefore
	}
	if youngest.IsZero() {
		return nil
	}
	for after := (store.AgedRun{}); ; {
		var seen []store.AgedRun
		err := s.store.View(ctx, func(tx *store.Tx) (err error) {
			seen, err = tx.OldestRuns(environment.ID, after, window)
			return err
		})
		if err != nil {
			return err
		}
		var trim, drop []string
		for _, run := range seen {
			switch {
			case run.CompletedAt.IsZero():
			case run.CompletedAt.Before(deleteBefore):
				drop = append(drop, run.ID)
			case run.CompletedAt.Before(trimBefore) && !run.Trimmed:
				trim = append(trim, run.ID)
			}
		}
		if err := s.inBatches(ctx, drop, &removed.Runs, func(tx *store.Tx, ids []string) (int, error) { return tx.DeleteRuns(ids, deleteBefore) }); err != nil {
			return err
		}
		if err := s.inBatches(ctx, trim, &removed.Trimmed, func(tx *store.Tx, ids []string) (int, error) { return tx.TrimRuns(ids, trimBefore) }); err != nil {
			return err
		}
		if len(seen) < window || !seen[len(seen)-1].CreatedAt.Before(youngest) {
			return nil
		}
		after = seen[len(seen)-1]
	}
}

// cutoff returns the time before which a run must have ended to be too old, or
// zero if it never is.
func cutoff(now time.Time, ages Ages, environment *model.Environment) time.Time {
	age, ok := ages[environment.Type]
	if !ok {
		return time.Time{}
	}
	return now.Add(-age)
}

// sweepRows leaves through rows of a table, oldest first, up to the first that is too
// young in every environment.
func (s *Service) sweepRows(ctx context.Context, cutoffs map[string]time.Time,
	oldest func(tx *store.Tx, after string, limit int) ([]store.AgedRow, error),
	remove func(tx *store.Tx, ids []string) (int, error), total *int,
) error {
	var youngest time.Time
	for _, cutoff := range cutoffs {
		if cutoff.After(youngest) {
			youngest = cutoff
		}
	}
	for after := ""; !youngest.IsZero(); {
		var seen []store.AgedRow
		err := s.store.View(ctx, func(tx *store.Tx) (err error) {
			seen, err = oldest(tx, after, window)
			return err
		})
		if err != nil {
			return err
		}
		var drop []string
		for _, row := range seen {
			if row.CreatedAt.Before(cutoffs[row.EnvironmentID]) {
				drop = append(drop, row.ID)
			}
		}
		if err := s.inBatches(ctx, drop, total, remove); err != nil {
			return err
		}
		if len(seen) < window || !seen[len(seen)-1].CreatedAt.Before(youngest) {
			return nil
		}
		after = seen[len(seen)-1].ID
	}
	return nil
}

// inBatches removes rows a few at a time, with pauses, as long as it is this
// process's turn.
func (s *Service) inBatches(ctx context.Context, ids []string, total *int, remove func(*store.Tx, []string) (int, error)) error {
	for len(ids) > 0 {
		these := ids[:min(batch, len(ids))]
		ids = ids[len(these):]
		var n int
		owner := s.config.Node.ID()
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			n = 0
			mine, _, err := tx.TryAcquireLease(leaseName, owner, leaseDuration)
			if err != nil || !mine {
				return err
			}
			n, err = remove(tx, these)
			return err
		})
		if err != nil {
			return err
		}
		*total += n
		if !s.wait(ctx, pause) {
			return ctx.Err()
		}
	}
	return nil
}

// wait reports whether d has passed before ctx ended.
func (s *Service) wait(ctx context.Context, d time.Duration) bool {
	timer := s.clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
