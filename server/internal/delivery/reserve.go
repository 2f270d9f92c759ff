package delivery

import (
	"github.com/runhook/runhook/server/internal/delivery/lane"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/outbox"
)

var _ outbox.Sender = (*Service)(nil)

// Reserve takes room for a notification that is about to be written: in this process, in
// memory and at its destination, to which the limits of its subscription apply from now
// on. ok is false if there is none.
func (s *Service) Reserve(n *model.Notification, subscription *model.Subscription) (reserved outbox.Reservation, ok bool) {
	if subscription != nil {
		s.limit(*subscription)
	}
	if s.off(n.Destination) || !s.loop.Reserve() {
		return nil, false
	}
	r := &reservation{service: s, destination: n.Destination, environment: n.EnvironmentID, bytes: int64(len(n.Body))}
	if s.bodies.acquireFresh(r.environment, r.bytes) {
		if s.lanes.TryAcquire(r.destination) {
			return r, true
		}
		s.bodies.releaseFresh(r.environment, r.bytes)
	}
	s.loop.Release()
	return nil, false
}

// reservation is room for a notification.
type reservation struct {
	service                  *Service
	destination, environment string
	bytes                    int64
}

func (r *reservation) Lease() model.Lease {
	return model.Lease{Owner: r.service.config.Node.ID(), Number: 1}
}

func (r *reservation) Start(n model.Notification) {
	ended := r.service.working(n)
	r.service.loop.Start(delivery{Notification: n, done: func() {
		ended()
		r.service.bodies.releaseFresh(r.environment, r.bytes)
	}})
}

func (r *reservation) Cancel(err error) {
	r.service.lanes.Release(r.destination, 1)
	r.service.loop.Release()
	r.service.bodies.releaseFresh(r.environment, r.bytes)
	r.service.config.Node.RotateIfUnknown(err)
}

// limit has the limits of a subscription apply to its destination.
func (s *Service) limit(subscription model.Subscription) {
	limits := lane.Limits{Concurrency: subscription.Settings.MaximumConcurrency, PerSecond: subscription.Settings.MaximumPerSecond}
	if limits != (lane.Limits{}) {
		s.lanes.Limit(outbox.DestinationOf(subscription), limits)
	}
}
