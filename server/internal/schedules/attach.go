package schedules

import (
	"context"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Attachment says, until it is closed, that someone develops an app, so that its
// schedules tick in DEVELOPMENT. It ends with the process at the latest. It is not
// for several goroutines.
type Attachment struct {
	service     *Service
	environment *model.Environment
	slug        string
	// id and node are of what is on record; empty if nothing is.
	id, node string
}

// Attach says that someone develops the app with the slug, which need not be
// registered yet. The attachment must be closed.
func (s *Service) Attach(ctx context.Context, environment *model.Environment, slug string) (*Attachment, error) {
	a := &Attachment{service: s, environment: environment, slug: slug}
	return a, a.Keep(ctx)
}

// Keep has the attachment continue after other processes took it for dead, which
// learn that it is lost. It is to be called from time to time.
func (a *Attachment) Keep(ctx context.Context) error {
	s := a.service
	node := s.config.Node.ID()
	if a.node == node {
		return nil
	}
	id := model.NewID(model.PrefixAttachment, s.clock.Now())
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if !s.Unattended(a.environment) {
			if err := skipMissed(tx, a.environment, a.slug); err != nil {
				return err
			}
		}
		if err := tx.Attach(store.Attachment{ID: id, EnvironmentID: a.environment.ID, EndpointSlug: a.slug, NodeID: node}); err != nil {
			return err
		}
		return s.announce(tx, tx.Now())
	})
	if err == nil {
		a.id, a.node = id, node
	}
	return err
}

// skipMissed has the schedules of an app that had no client attached continue with
// their next ticks.
func skipMissed(tx *store.Tx, environment *model.Environment, slug string) error {
	e, found, err := tx.EndpointBySlug(environment.ID, slug)
	if err != nil || !found {
		return err
	}
	// A transaction that pauses a schedule of the app has its endpoint locked.
	if _, _, err := tx.LockEndpoint(e.ID); err != nil {
		return err
	}
	attached, err := tx.Attached(environment.ID, slug)
	if err != nil || attached {
		return err
	}
	return tx.SkipTicksOfEndpoint(e.ID)
}

// Close ends the attachment.
func (a *Attachment) Close() {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := a.service.store.Update(ctx, func(tx *store.Tx) error { return tx.Detach(a.id) })
	if err != nil {
		a.service.log.Error("cannot detach from an app; its schedules tick until this process ends", "environment", a.environment.ID, "endpoint", a.slug, "err", err)
	}
}
