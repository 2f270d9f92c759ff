// Package sweep takes secrets out of what was kept before they were known.
//
// When an app chooses a secret for one of its sources, it may have sent it before in an
// event, a task or a value, and a version before this one kept it in clear. The service
// goes through all that the environment keeps, once for each secret that is new, and puts
// references in its place. It works in transactions of a few rows with pauses between
// them, in one process at a time, and goes on after a restart where it was.
package sweep

import (
	"context"
	"log/slog"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker"
)

// Config is what a service works with. Every field is required.
type Config struct {
	Store  *store.Store
	Node   *worker.Node
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
}

// Service goes through what environments keep.
type Service struct{ config Config }

const (
	// interval is how often it looks whether there is something to do, and pause how long
	// the others have the database between two transactions.
	interval = time.Second
	pause    = 5 * time.Millisecond
	// leaseDuration is how long a process has the work for itself; each step renews it.
	leaseDuration = time.Minute
	leaseName     = "secret sweep"
)

// New returns a service that does nothing before Run is called.
func New(config Config) *Service { return &Service{config} }

// Run goes through what is to be gone through until ctx ends.
func (s *Service) Run(ctx context.Context) {
	component := s.config.Health.Component("secret sweep")
	changed := 0
	for wait := interval; s.wait(ctx, wait); {
		var more bool
		err := panics.Catch(func() (err error) {
			var rows int
			rows, more, err = s.step(ctx)
			changed += rows
			return err
		})
		if err != nil {
			wait = interval
			if ctx.Err() == nil {
				wait = component.Failed(err)
			}
			continue
		}
		component.Succeeded()
		if wait = pause; more {
			continue
		}
		wait = interval
		if changed > 0 {
			s.config.Log.Info("took secrets out of what was kept before they were known", "rows", changed)
			changed = 0
		}
	}
}

// step looks through one page, and reports how many rows it changed and whether there may
// be more to do.
func (s *Service) step(ctx context.Context) (changed int, more bool, err error) {
	err = s.config.Store.View(ctx, func(tx *store.Tx) (err error) {
		_, more, err = tx.NextSecretSweep()
		return err
	})
	if err != nil || !more {
		return 0, false, err
	}
	owner := s.config.Node.ID()
	err = s.config.Store.Update(ctx, func(tx *store.Tx) error {
		changed, more = 0, false
		mine, _, err := tx.TryAcquireLease(leaseName, owner, leaseDuration)
		if err != nil || !mine {
			return err
		}
		next, found, err := tx.NextSecretSweep()
		if err != nil || !found {
			return err
		}
		more = true
		changed, err = tx.SweepSecrets(next)
		return err
	})
	return changed, more, err
}

// wait returns false when ctx ended first.
func (s *Service) wait(ctx context.Context, pause time.Duration) bool {
	timer := s.config.Clock.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
