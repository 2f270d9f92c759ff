package delivery

import (
	"fmt"
	"slices"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/delivery/lane"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// RunEnded writes the notifications of the end of a run: to its callback URL, to its
// app if that asked for it, and to the subscriptions that it matches. It is
// called in the transaction that ends the run.
func (s *Service) RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
	run := ended.Run
	if run.Continuations > 0 {
		if err := tx.SupersedeNotifications(run.ID); err != nil {
			return err
		}
	}
	toApp := ended.NotifyFailure
	if run.Status == protocol.RunSuccess {
		toApp = ended.NotifySuccess
	}
	toApp = toApp && !run.Internal
	callers, err := tx.Callers(run.ID)
	if err != nil {
		return err
	}
	if run.CallbackURL != "" {
		callers = slices.Insert(callers, 0, model.RunCaller{URL: run.CallbackURL, TaskID: run.CallbackTaskID})
	}
	interested, err := s.interested(tx, ended)
	if err != nil {
		return err
	}
	if len(callers) == 0 && !toApp && len(interested) == 0 {
		return s.record(tx, environment, ended)
	}
	n, err := freeze(tx, environment, ended)
	if err != nil {
		return err
	}
	for _, caller := range callers {
		if n.BodyID, err = s.writeToCaller(tx, n, caller); err != nil {
			return err
		}
	}
	if toApp {
		app := n
		app.EndpointID, app.Destination = run.EndpointID, environment.ID+" "+run.EndpointID
		if err := s.write(tx, &app); err != nil {
			return err
		}
		n.BodyID = app.BodyID
	}
	if err := s.writeMatching(tx, &n, interested); err != nil || n.BodyID != "" {
		return err
	}
	return s.record(tx, environment, ended)
}

// record writes the end of a run that notifies nobody, if somebody follows all ends of
// runs on the feed.
func (s *Service) record(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
	if ended.Run.Internal {
		return nil
	}
	followed, err := tx.FeedFollowed(environment.ID)
	if err != nil || !followed {
		return err
	}
	n, err := freeze(tx, environment, ended)
	if err != nil {
		return err
	}
	n.Status = model.NotificationRecorded
	return s.write(tx, &n)
}

// CallerAdded writes the notification of a caller who was added to a run that has
// ended. Its body is that of the others, which stays on disk; if there was nobody to notify, it is frozen
// now. It is called in the transaction that adds the caller.
func (s *Service) CallerAdded(tx *store.Tx, environment *model.Environment, ended store.Execution, caller model.RunCaller) error {
	n, found, err := tx.NotificationOfEnd(ended.Run.ID, sequence(ended.Run))
	if err != nil {
		return err
	}
	if found {
		bodyID := n.BodyID
		n = notificationOf(environment, ended.Run)
		n.BodyID = bodyID
	} else if n, err = freeze(tx, environment, ended); err != nil {
		return err
	}
	_, err = s.writeToCaller(tx, n, caller)
	return err
}

// notificationOf returns a notification of a run's end, without its body.
func notificationOf(environment *model.Environment, run model.Run) model.Notification {
	return model.Notification{
		EnvironmentID: environment.ID, RunID: run.ID, Kind: model.NotifyRunEnded, Sequence: sequence(run),
		Status: model.NotificationPending, RunStatus: run.Status,
	}
}

// sequence is which end of a run this is, from 1.
func sequence(run model.Run) int { return run.Continuations + 1 }

// freeze returns a notification of a run's end with its body, which is the same for
// everybody and for ever.
func freeze(tx *store.Tx, environment *model.Environment, ended store.Execution) (model.Notification, error) {
	n := notificationOf(environment, ended.Run)
	document, err := payload(tx, environment, ended)
	if err == nil {
		n.Body = encode(document)
	}
	return n, err
}

// writeToCaller writes a notification to a caller, and returns the id of its body.
func (s *Service) writeToCaller(tx *store.Tx, n model.Notification, caller model.RunCaller) (bodyID string, err error) {
	n.URL, n.TaskID, n.Destination = caller.URL, caller.TaskID, destination(n.EnvironmentID, caller.URL)
	err = s.write(tx, &n)
	return n.BodyID, err
}

// interested returns the subscriptions that want a notification of the end of a run,
// if their filters match.
func (s *Service) interested(tx *store.Tx, ended store.Execution) ([]model.Subscription, error) {
	if ended.Run.Internal {
		return nil, nil
	}
	all, err := tx.SubscriptionTargets(ended.Run.EnvironmentID)
	if err != nil {
		return nil, err
	}
	var interested []model.Subscription
	for _, subscription := range all {
		if subscription.Settings.Wants(ended.Job.Slug, ended.Run.Status) {
			interested = append(interested, subscription)
		}
	}
	return interested, nil
}

// writeMatching writes a notification to each of the subscriptions whose filter
// matches its body. A body that cannot be decoded, as a version before accepted JSON
// nested more deeply, is matched by those that ask nothing of it: it must not keep the
// run from ending. It gives n its BodyID once there is a notification.
func (s *Service) writeMatching(tx *store.Tx, n *model.Notification, interested []model.Subscription) error {
	if len(interested) == 0 {
		return nil
	}
	body, unreadable := filter.Decode(n.Body)
	if unreadable != nil {
		s.log.Warn("the notification of a run cannot be decoded: only subscriptions without a filter get it", "run", n.RunID, "environment", n.EnvironmentID, "err", unreadable)
	}
	for _, subscription := range interested {
		parsed, err := filter.Parse(subscription.Settings.Filter)
		if err != nil {
			return fmt.Errorf("filter of subscription %s: %w", subscription.ID, err)
		}
		if !parsed.Empty() && (unreadable != nil || !parsed.MatchDecoded(body)) {
			continue
		}
		copied := *n
		if err := s.writeTo(tx, subscription, &copied); err != nil {
			return err
		}
		n.BodyID = copied.BodyID
	}
	return nil
}

// writeTo writes a notification to a subscription, and completes n as write does.
func (s *Service) writeTo(tx *store.Tx, subscription model.Subscription, n *model.Notification) error {
	n.URL, n.SubscriptionID, n.Destination = subscription.URL, subscription.ID, s.destinationOf(subscription)
	if !subscription.Enabled {
		n.Status = model.NotificationHeld
	}
	return s.write(tx, n)
}

// write records a new notification, and its body unless that is on record. If this
// process has room, it is its own from the start and is sent as soon as it is on
// disk. It gives n its ID and times.
func (s *Service) write(tx *store.Tx, n *model.Notification) error {
	n.ID = model.NewID(model.PrefixNotification, tx.Now())
	n.CreatedAt, n.UpdatedAt = tx.Now(), tx.Now()
	if n.BodyID == "" {
		n.BodyID = n.ID
		if err := tx.InsertNotificationBody(n.BodyID, n.Body); err != nil {
			return err
		}
	}
	switch {
	case n.Status == model.NotificationHeld, n.Status == model.NotificationRecorded:
		tx.AfterCommit(s.feed.send)
	case s.reserve(n):
		n.ScheduledAt = tx.Now()
		n.Lease = model.Lease{Owner: s.config.Node.ID(), Number: 1}
		started := delivery{Notification: *n}
		environment, bytes := n.EnvironmentID, int64(len(n.Body))
		tx.AfterCommit(func() {
			ended := s.working(started.Notification)
			started.done = func() {
				ended()
				s.bodies.releaseFresh(environment, bytes)
			}
			s.loop.Start(started)
			s.feed.send()
		})
		tx.AfterRollback(func(err error) {
			s.lanes.Release(started.Destination, 1)
			s.loop.Release()
			s.bodies.releaseFresh(environment, bytes)
			s.config.Node.RotateIfUnknown(err)
		})
	default:
		if err := s.announce(tx); err != nil {
			return err
		}
	}
	return tx.InsertNotification(*n)
}

// reserve takes room for a delivery, in this process, in memory and at its destination.
// A body that is on disk already is left there.
func (s *Service) reserve(n *model.Notification) bool {
	bytes := int64(len(n.Body))
	if bytes == 0 || s.off(n.Destination) || !s.loop.Reserve() {
		return false
	}
	if s.bodies.acquireFresh(n.EnvironmentID, bytes) {
		if s.lanes.TryAcquire(n.Destination) {
			return true
		}
		s.bodies.releaseFresh(n.EnvironmentID, bytes)
	}
	s.loop.Release()
	return false
}

// destination names where deliveries of an environment to a URL go: to its
// origin.
func destination(environmentID, rawURL string) string {
	location, err := egress.ParseURL(rawURL)
	if err != nil { // it cannot be called, which each of its deliveries says
		return environmentID + " " + rawURL
	}
	return environmentID + " " + location.Scheme + "://" + location.Host
}

// destinationOf names the destination of a subscription, whose limits apply
// from now on: one with limits of its own shares them with no other.
func (s *Service) destinationOf(subscription model.Subscription) string {
	limits := lane.Limits{Concurrency: subscription.Settings.MaximumConcurrency, PerSecond: subscription.Settings.MaximumPerSecond}
	if limits == (lane.Limits{}) {
		return destination(subscription.EnvironmentID, subscription.URL)
	}
	name := subscription.EnvironmentID + " " + subscription.ID
	s.lanes.Limit(name, limits)
	return name
}
