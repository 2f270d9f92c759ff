package apps

import (
	"context"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Remove takes an endpoint out of an environment: its jobs take no more runs, and
// those that have not ended are ABORTED. Registering it again brings it back. It
// gives a [model.NotFound] error for an endpoint that the environment does not
// have.
func (r *Service) Remove(ctx context.Context, environment *model.Environment, slug string) error {
	var gone []model.Job
	var removed string
	err := r.store.Update(ctx, func(tx *store.Tx) error {
		gone = nil
		e, found, err := tx.EndpointBySlug(environment.ID, slug)
		if err != nil {
			return err
		}
		if !found || e.URL == "" {
			return model.Errorf(model.NotFound, "Endpoint not found: %s has no endpoint %q", environment.Type, slug)
		}
		versions, err := tx.LatestJobVersionsOfEndpoint(e.ID)
		if err != nil {
			return err
		}
		for _, version := range versions {
			if err := tx.DisableJobVersion(version.ID, ""); err != nil {
				return err
			}
			if err := r.jobChanged(tx, environment, version.Job); err != nil {
				return err
			}
			gone = append(gone, version.Job)
		}
		if err := r.indexed(tx, environment, e, protocol.Index{}); err != nil {
			return err
		}
		removed = e.ID
		return tx.RemoveEndpointURL(e.ID)
	})
	if err != nil {
		return err
	}
	r.log.Info("an app was removed", "endpoint", removed, "app", slug, "environment", environment.ID, "jobs", len(gone))
	for _, job := range gone {
		if err := r.config.Aborter.AbortJobRuns(ctx, environment, job); err != nil {
			return err
		}
	}
	return nil
}
