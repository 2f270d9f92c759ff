package apps

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// reindexAfter is how long after its last indexing an endpoint is asked again
	// without a request (docs/protocol/execution.md §10.2).
	reindexAfter = 10 * time.Minute
	// indexLifetime is how long an indexing is kept.
	indexLifetime = 7 * 24 * time.Hour
	// hookDelay lets a deployment that has just been announced become reachable.
	hookDelay = 5 * time.Second
)

// newIndex describes an indexing to enqueue.
type newIndex struct {
	source model.IndexSource
	// data is what its caller sent, as JSON; nil for nothing.
	data   []byte
	reason string
	delay  time.Duration
}

// enqueue records an indexing, and when the endpoint is to be indexed next.
func (r *Service) enqueue(tx *store.Tx, environment *model.Environment, e model.Endpoint, n newIndex) (model.EndpointIndex, error) {
	if err := tx.SetNextIndex(e.ID, reindexAt(tx, environment)); err != nil {
		return model.EndpointIndex{}, err
	}
	return r.insert(tx, e, n)
}

// reindexAt returns when an endpoint that is indexed now is due again. In the
// other environments someone is there to say so.
func reindexAt(tx *store.Tx, environment *model.Environment) time.Time {
	switch environment.Type {
	case protocol.Production, protocol.Staging:
		return tx.Now().Add(reindexAfter)
	}
	return time.Time{}
}

// insert records an indexing, and removes those of the endpoint that are old.
func (r *Service) insert(tx *store.Tx, e model.Endpoint, n newIndex) (model.EndpointIndex, error) {
	index := newIndexOf(tx, e, n)
	due := tx.Now().Add(n.delay)
	if err := tx.InsertIndex(index, due); err != nil {
		return index, err
	}
	tx.AfterCommit(func() { r.loop.Wake(due) })
	if err := tx.Signal(store.SignalIndexes); err != nil {
		return index, err
	}
	return index, tx.ForgetIndexes(e.ID, tx.Now().Add(-indexLifetime))
}

func newIndexOf(tx *store.Tx, e model.Endpoint, n newIndex) model.EndpointIndex {
	return model.EndpointIndex{
		ID: model.NewID(model.PrefixEndpointIndex, tx.Now()), EnvironmentID: e.EnvironmentID, EndpointID: e.ID,
		Source: n.source, SourceData: n.data, Reason: n.reason, Status: model.IndexPending, CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
	}
}

// enqueueUnindexed enqueues up to limit indexings of the endpoints that are due although
// without a request, and returns when the next is, or the zero time. It moves their
// time in the same transaction, so there is one for each time, however many servers
// look.
func (r *Service) enqueueUnindexed(ctx context.Context, limit int) (next time.Time, err error) {
	// Idle polls must not cost a write.
	idle := true
	err = r.store.View(ctx, func(tx *store.Tx) error {
		next, err = tx.NextUnindexed()
		idle = next.IsZero() || next.After(tx.Now())
		return err
	})
	if err != nil || idle {
		return next, err
	}
	err = r.store.Update(ctx, func(tx *store.Tx) error {
		due, err := tx.TakeUnindexed(limit, tx.Now().Add(reindexAfter))
		if err != nil {
			return err
		}
		for _, e := range due {
			if r.config.Node.Off(e.EnvironmentID) {
				continue
			}
			if _, err := r.insert(tx, e, newIndex{source: model.IndexFromRegister, reason: "Asked again, as time has passed"}); err != nil {
				return err
			}
		}
		next, err = tx.NextUnindexed()
		return err
	})
	return next, err
}

// IndexNow indexes an endpoint of an environment and returns the outcome; data
// is kept with it. An endpoint that does not answer is not tried again. It gives
// a [model.NotFound] error if there is no such endpoint.
func (r *Service) IndexNow(ctx context.Context, environment *model.Environment, slug, reason string, data []byte) (index model.EndpointIndex, err error) {
	// The outcome is everyone's, so it does not matter whether the caller stays.
	ctx = context.WithoutCancel(ctx)
	err = r.store.Update(ctx, func(tx *store.Tx) error {
		e, found, err := tx.EndpointBySlug(environment.ID, slug)
		if err != nil {
			return err
		}
		if !found {
			return errorEndpointNotFound()
		}
		if err := tx.SetNextIndex(e.ID, reindexAt(tx, environment)); err != nil {
			return err
		}
		index = newIndexOf(tx, e, newIndex{source: model.IndexFromAPI, data: data, reason: reason})
		index.Status, index.Attempts = model.IndexStarted, 1
		index.Lease = model.Lease{Owner: r.config.Node.ID(), Number: 1}
		return tx.InsertIndex(index, time.Time{})
	})
	if err != nil {
		return index, err
	}
	r.index(ctx, index)
	return r.Index(ctx, environment, index.ID)
}

// IndexByHook enqueues an indexing for a caller that knows the identifier of an
// endpoint's hook, such as a platform that has deployed the app; data is what it
// sent, as JSON, and may be nil. It gives a [model.NotFound] error if the
// identifier is not the endpoint's, and a [model.Forbidden] one if the environment is
// switched off.
func (r *Service) IndexByHook(ctx context.Context, environmentID, slug, hookID string, data []byte) error {
	environment, err := r.hookEnvironment(ctx, environmentID)
	if err != nil {
		return err
	}
	return r.store.Update(ctx, func(tx *store.Tx) error {
		e, err := endpointOfHook(tx, environmentID, slug, hookID)
		if err == nil {
			err = environment.CheckOn()
		}
		if err != nil {
			return err
		}
		_, err = r.enqueue(tx, environment, e, newIndex{source: model.IndexFromHook, data: data, reason: deploymentReason(data), delay: hookDelay})
		return err
	})
}

// CheckHook gives the error that IndexByHook would, and enqueues nothing.
func (r *Service) CheckHook(ctx context.Context, environmentID, slug, hookID string) error {
	environment, err := r.hookEnvironment(ctx, environmentID)
	if err != nil {
		return err
	}
	return r.store.View(ctx, func(tx *store.Tx) error {
		if _, err := endpointOfHook(tx, environmentID, slug, hookID); err != nil {
			return err
		}
		return environment.CheckOn()
	})
}

func (r *Service) hookEnvironment(ctx context.Context, id string) (*model.Environment, error) {
	environment, err := r.store.EnvironmentByID(ctx, id)
	if model.CodeOf(err) == model.NotFound {
		return nil, errorEndpointNotFound()
	}
	return environment, err
}

func endpointOfHook(tx *store.Tx, environmentID, slug, hookID string) (model.Endpoint, error) {
	e, found, err := tx.EndpointBySlug(environmentID, slug)
	if err == nil && (!found || subtle.ConstantTimeCompare([]byte(e.IndexingHookID), []byte(hookID)) != 1) {
		err = errorEndpointNotFound()
	}
	return e, err
}

func errorEndpointNotFound() error { return model.Errorf(model.NotFound, "Endpoint not found") }
