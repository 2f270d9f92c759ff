package apps

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// maximumAttempts is how often an indexing is tried when the endpoint does not
// answer (docs/protocol/execution.md §1.6).
const maximumAttempts = 7

// Stats counts what an index held, as the protocol has it.
type Stats struct {
	Jobs             int `json:"jobs"`
	Sources          int `json:"sources"`
	Webhooks         int `json:"webhooks"`
	DynamicTriggers  int `json:"dynamicTriggers"`
	DynamicSchedules int `json:"dynamicSchedules"`
	DisabledJobs     int `json:"disabledJobs"`
	HTTPEndpoints    int `json:"httpEndpoints"`
}

// index makes one indexing that is leased to this process, and records it.
func (r *Service) index(ctx context.Context, index model.EndpointIndex) {
	defer r.config.Node.Working(store.LeasedIndexes, index.ID)()
	defer r.ends.announce()
	log := r.log.With("endpoint", index.EndpointID, "environment", index.EnvironmentID, "attempt", index.Attempts)
	environment, err := r.config.Node.Environment(ctx, index.EnvironmentID)
	if err == nil {
		err = r.indexIn(ctx, environment, index)
	}
	switch {
	case errors.Is(err, model.ErrLeaseLost):
		log.Info("dropped the outcome of an indexing: another server has taken over its lease")
	case err != nil:
		log.Error("cannot record an indexing", "err", err)
		r.giveBack(ctx, environment, index, err)
	}
}

// giveBack ends an indexing whose outcome could not be recorded, or has it tried
// again, so that a fault of ours does not keep it for ever. environment is nil
// when it could not be read.
func (r *Service) giveBack(ctx context.Context, environment *model.Environment, index model.EndpointIndex, cause error) {
	err := r.config.Node.Record(ctx, func(tx *store.Tx) error {
		e, _, err := tx.Endpoint(index.EndpointID)
		if err != nil {
			return err
		}
		// A value that the database refuses would be refused again.
		mayPass := !errors.Is(cause, database.ErrData)
		return r.failed(tx, environment, e, index, fmt.Errorf("the server could not record the index: %w", cause), mayPass)
	})
	if err != nil && !errors.Is(err, model.ErrLeaseLost) {
		r.log.Error("cannot release an indexing; it is repeated when this server has restarted", "endpoint", index.EndpointID, "environment", index.EnvironmentID, "err", err)
		r.config.Node.Abandon(err)
	}
}

func (r *Service) indexIn(ctx context.Context, environment *model.Environment, index model.EndpointIndex) error {
	var e model.Endpoint
	err := r.config.Node.View(ctx, func(tx *store.Tx) (err error) {
		e, _, err = tx.Endpoint(index.EndpointID)
		return err
	})
	if err != nil {
		return err
	}
	result, failure := r.config.Caller.Index(ctx, target(environment, e))
	app := []any{"endpoint", e.ID, "app", e.Slug, "environment", e.EnvironmentID}
	if failure != nil && noAnswer(failure) && !errors.Is(failure, endpoint.ErrInterrupted) {
		how := health.Unreachable
		if answered, ok := errors.AsType[*endpoint.Error](failure); ok && answered.StatusCode != 0 {
			how = health.Erring
		}
		r.apps.Failed(e.ID, how, failure, app...)
	} else if failure == nil {
		r.apps.Works(e.ID, app...)
	}
	var gone []model.Job
	err = r.config.Node.Record(ctx, func(tx *store.Tx) (err error) {
		if failure != nil {
			return r.failed(tx, environment, e, index, failure, noAnswer(failure))
		}
		gone, err = r.succeeded(tx, environment, e, index, result)
		return err
	})
	if errors.Is(err, errReplaced) {
		return r.config.Node.Record(ctx, func(tx *store.Tx) error { return r.failed(tx, environment, e, index, errReplaced, false) })
	}
	if err != nil {
		return err
	}
	for _, job := range gone {
		// What was indexed is recorded, so no other attempt would do it.
		if err := r.config.Node.Persist(ctx, func() error { return r.config.Aborter.AbortJobRuns(ctx, environment, job) }); err != nil {
			return err
		}
	}
	return nil
}

// errReplaced is why an index is not applied: the app that gave it is not the one that
// is registered.
var errReplaced = errors.New("the app was registered at another URL, or removed, while it was indexed; what it said was dropped")

// noAnswer reports whether an indexing failed for want of an answer.
func noAnswer(failure error) bool {
	var endpointErr *endpoint.Error
	return errors.Is(failure, endpoint.ErrInterrupted) ||
		errors.As(failure, &endpointErr) && (endpointErr.StatusCode == 0 || endpointErr.StatusCode >= 500)
}

// failed records the failure of an indexing, which is tried again some times if
// the failure may pass.
func (r *Service) failed(tx *store.Tx, environment *model.Environment, e model.Endpoint, index model.EndpointIndex, failure error, mayPass bool) error {
	// In DEVELOPMENT, and behind the API, someone looks at the first failure and
	// tries again.
	watched := index.Source == model.IndexFromAPI || environment != nil && environment.Type == protocol.Development
	if mayPass && !watched && index.Attempts < maximumAttempts {
		index.Status = model.IndexPending
		pause := time.Duration(math.Exp(float64(index.Attempts)) * float64(time.Second))
		due := tx.Now().Add(pause)
		tx.AfterCommit(func() { r.loop.Wake(due) })
		r.publishIndexed(tx, e, index, failure)
		return tx.EndIndex(index, due)
	}
	index.Status = model.IndexFailure
	r.publishIndexed(tx, e, index, failure)
	text, err := json.Marshal(map[string]string{"message": failure.Error()})
	if err != nil {
		return err
	}
	index.Error = text
	return tx.EndIndex(index, time.Time{})
}

// succeeded applies an index and returns the jobs that it disabled.
func (r *Service) succeeded(tx *store.Tx, environment *model.Environment, e model.Endpoint, index model.EndpointIndex, result endpoint.IndexResult) ([]model.Job, error) {
	from := e.URL
	if result.NewURL != "" {
		index.MovedFrom, e.URL = from, result.NewURL
		tx.AfterCommit(func() {
			r.log.Info("an endpoint redirects within its origin, and is called at the new URL from now on",
				"endpoint", e.ID, "environment", e.EnvironmentID, "from", bare(from), "to", bare(e.URL))
		})
	}
	if result.Versions.Protocol != "" {
		e.Version = result.Versions.Protocol
	}
	if result.Versions.SDK != "" {
		e.SDKVersion = result.Versions.SDK
	}
	stats, gone, err := r.apply(tx, environment, e, result.Document)
	if err != nil {
		return nil, err
	}
	if current, err := tx.EndpointIndexed(e, from); err != nil || !current {
		return nil, cmp.Or(err, errReplaced)
	}
	if index.Stats, err = json.Marshal(stats); err != nil {
		return nil, err
	}
	index.Status = model.IndexSuccess
	r.publishIndexed(tx, e, index, nil)
	return gone, tx.EndIndex(index, time.Time{})
}

// bare returns a URL without what may be a secret in it.
func bare(location string) string {
	parsed, err := url.Parse(location)
	if err != nil {
		return ""
	}
	parsed.User, parsed.RawQuery, parsed.Fragment = nil, "", ""
	return parsed.String()
}
