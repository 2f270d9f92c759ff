package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

// Config is what a service works with. Every field is required.
type Config struct {
	Store  *store.Store
	Clock  clock.Clock
	Health *health.Monitor
	Log    *slog.Logger
}

// Service checks the database as long as it runs. Its methods may be called
// concurrently.
type Service struct {
	config  Config
	started time.Time
	loop    *loop.Loop[visit]
	checks  *health.Component
}

// interval is the time between two looks at a few rows: 5,000 rows every 10 s are
// 43 million a day.
const interval = 10 * time.Second

// visit is one look at a few rows. Whoever replaces the text may do it.
type visit struct {
	progress Progress
	text     string
}

// New returns a service that does nothing before Run is called.
func New(config Config) *Service {
	s := &Service{config: config, started: config.Clock.Now(), checks: config.Health.Component("checks of the database")}
	s.loop = loop.New(loop.Config[visit]{
		Name: "doctor", Slots: 1, Batch: 1, Poll: interval,
		Claim: s.claim, Work: s.look, Panicked: s.panicked, Clock: config.Clock, Health: config.Health,
	})
	return s
}

// Run checks until ctx ends; Drain must follow.
func (s *Service) Run(ctx context.Context) { s.loop.Run(ctx) }

// Drain waits for the look under way.
func (s *Service) Drain(ctx context.Context) { s.loop.Drain(ctx) }

// Progress returns how far the check has come, whichever process did it.
func (s *Service) Progress(ctx context.Context) (p Progress, err error) {
	err = s.config.Store.View(ctx, func(tx *store.Tx) error {
		p, _, err = readProgress(tx)
		return err
	})
	return p, err
}

// claim takes the next look if it is due, so that no other process does. One that
// dies over it leaves it to whoever takes the next.
func (s *Service) claim(ctx context.Context, _ int) ([]visit, time.Time, error) {
	var v visit
	var now time.Time // by the shared clock: others compare DueAt with theirs
	err := s.config.Store.View(ctx, func(tx *store.Tx) (err error) {
		if v.progress, v.text, err = readProgress(tx); err != nil {
			return err
		}
		now, err = tx.SharedNow()
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	wait := v.progress.DueAt.Sub(now)
	if v.text == "" {
		wait = s.started.Add(interval).Sub(s.config.Clock.Now())
	}
	if wait > 0 {
		return nil, s.config.Clock.Now().Add(min(wait, interval)), nil
	}
	v.progress.DueAt = now.Add(interval)
	var taken bool
	err = s.config.Store.Update(ctx, func(tx *store.Tx) (err error) {
		taken, err = v.progress.replace(tx, v.text)
		if err == nil {
			_, v.text, err = readProgress(tx)
		}
		return err
	})
	if err != nil || !taken {
		return nil, s.config.Clock.Now().Add(interval), err
	}
	return []visit{v}, s.config.Clock.Now().Add(interval), nil
}

// panicked deals with a panic in a look, which is made again after the interval.
func (s *Service) panicked(_ context.Context, v visit, panicked *panics.Error) {
	s.checks.Failed(fmt.Errorf("check the rows of %s after %q: %w", v.progress.Table, v.progress.After, panicked))
}

// look checks the next few rows, repairs what it can, and records how far it has
// come.
func (s *Service) look(ctx context.Context, v visit) {
	p := v.progress
	if p.Table == "" {
		p.Table = store.InvariantTables()[0]
	}
	var span store.Span
	var breaches []store.Breach
	err := s.config.Store.View(ctx, func(tx *store.Tx) (err error) {
		if span, err = tx.SpanAfter(p.Table, p.After, chunk); err != nil {
			return err
		}
		breaches, err = tx.Breaches(span)
		return err
	})
	for _, b := range breaches {
		if b.Invariant.Passes {
			continue
		}
		p.Found++
		if s.treat(ctx, b) {
			p.Repaired++
		}
	}
	if err == nil {
		p.next(span, s.config.Clock.Now())
		err = s.config.Store.Update(ctx, func(tx *store.Tx) error {
			_, err := p.replace(tx, v.text)
			return err
		})
	}
	switch {
	case err == nil:
		s.checks.Succeeded()
	case ctx.Err() == nil:
		s.checks.Failed(fmt.Errorf("check the rows of %s: %w", p.Table, err)) // the interval is pause enough
	}
}

// treat reports a row that is not as it should be and repairs it if that is safe.
// It reports whether it did.
func (s *Service) treat(ctx context.Context, b store.Breach) (repaired bool) {
	log := s.config.Log.With("invariant", b.Invariant.Name, "table", b.Invariant.Table, "id", b.ID)
	if !b.Invariant.Repairable() {
		log.Error("a row of the database is not as it should be; please report this", "problem", b.Invariant.Broken)
		return false
	}
	err := s.config.Store.Update(ctx, func(tx *store.Tx) (err error) {
		repaired, err = tx.Repair(b)
		return err
	})
	if err != nil {
		log.Error("cannot repair a row of the database; trying again", "problem", b.Invariant.Broken, "err", err)
		return false
	}
	log.Error("a row of the database was not as it should be, and was repaired; please report this", "problem", b.Invariant.Broken)
	return repaired
}
