package outbox

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Sender sends notifications. *delivery.Service is one.
type Sender interface {
	// Reserve takes room to send a notification that is about to be written as soon as
	// it is on disk; ok is false if there is none in this process. Subscription is the
	// one that the notification is for, or nil.
	Reserve(n *model.Notification, subscription *model.Subscription) (reservation Reservation, ok bool)
	// Wake looks for due notifications now.
	Wake()
}

// Reservation is the room that a sender keeps for a notification. Either Start or Cancel
// is called, once.
type Reservation interface {
	// Lease is what the notification is written with.
	Lease() model.Lease
	// Start sends the notification, which is on disk.
	Start(model.Notification)
	// Cancel gives the room back: the transaction failed with the error.
	Cancel(error)
}

// Config is what an outbox works with. Every field is required.
type Config struct {
	Store *store.Store
	Clock clock.Clock
	Log   *slog.Logger
}

// Outbox writes notifications and lists them. Its methods may be called concurrently.
type Outbox struct {
	store  *store.Store
	clock  clock.Clock
	log    *slog.Logger
	sender Sender
	feed   feedSignal
}

// New returns an outbox without a sender: what it writes is due, and waits for one.
func New(config Config) *Outbox {
	return &Outbox{store: config.Store, clock: config.Clock, log: config.Log}
}

// SetSender gives the outbox of a process its sender. It must be called before anything
// is written.
func (o *Outbox) SetSender(sender Sender) { o.sender = sender }

// Wake has the readers of feeds look for what other processes have written.
func (o *Outbox) Wake() { o.feed.send() }

// RunEnded writes the notifications of the end of a run: to its callback URL, to its
// app if that asked for it, and to the subscriptions that it matches. It is
// called in the transaction that ends the run.
func (o *Outbox) RunEnded(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
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
	interested, err := o.interested(tx, ended)
	if err != nil {
		return err
	}
	if len(callers) == 0 && !toApp && len(interested) == 0 {
		return o.record(tx, environment, ended)
	}
	n, err := freeze(tx, environment, ended)
	if err != nil {
		return err
	}
	for _, caller := range callers {
		if n.BodyID, err = o.writeToCaller(tx, n, caller); err != nil {
			return err
		}
	}
	if toApp {
		app := n
		app.EndpointID, app.Destination = run.EndpointID, environment.ID+" "+run.EndpointID
		if err := o.write(tx, &app, nil); err != nil {
			return err
		}
		n.BodyID = app.BodyID
	}
	if err := o.writeMatching(tx, &n, interested); err != nil || n.BodyID != "" {
		return err
	}
	return o.record(tx, environment, ended)
}

// record writes the end of a run that notifies nobody, if somebody follows all ends of
// runs on the feed.
func (o *Outbox) record(tx *store.Tx, environment *model.Environment, ended store.Execution) error {
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
	return o.write(tx, &n, nil)
}

// CallerAdded writes the notification of a caller who was added to a run that has
// ended. Its body is that of the others, which stays on disk; if there was nobody to notify, it is frozen
// now. It is called in the transaction that adds the caller.
func (o *Outbox) CallerAdded(tx *store.Tx, environment *model.Environment, ended store.Execution, caller model.RunCaller) error {
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
	_, err = o.writeToCaller(tx, n, caller)
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
	var err error
	n.Body, err = RunBody(tx, environment, ended)
	return n, err
}

// writeToCaller writes a notification to a caller, and returns the id of its body.
func (o *Outbox) writeToCaller(tx *store.Tx, n model.Notification, caller model.RunCaller) (bodyID string, err error) {
	n.URL, n.TaskID, n.Destination = caller.URL, caller.TaskID, Destination(n.EnvironmentID, caller.URL)
	err = o.write(tx, &n, nil)
	return n.BodyID, err
}

// interested returns the subscriptions that want a notification of the end of a run,
// if their filters match.
func (o *Outbox) interested(tx *store.Tx, ended store.Execution) ([]model.Subscription, error) {
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
func (o *Outbox) writeMatching(tx *store.Tx, n *model.Notification, interested []model.Subscription) error {
	if len(interested) == 0 {
		return nil
	}
	body, unreadable := filter.Decode(tx.HideSecrets(n.EnvironmentID, n.Body))
	if unreadable != nil {
		o.log.Warn("the notification of a run cannot be decoded: only subscriptions without a filter get it", "run", n.RunID, "environment", n.EnvironmentID, "err", unreadable)
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
		if err := o.WriteTo(tx, subscription, &copied); err != nil {
			return err
		}
		n.BodyID = copied.BodyID
	}
	return nil
}

// WriteTo writes a notification to a subscription, in the caller's transaction. It gives
// n its ID, times and BodyID.
func (o *Outbox) WriteTo(tx *store.Tx, subscription model.Subscription, n *model.Notification) error {
	n.URL, n.SubscriptionID, n.Destination = subscription.URL, subscription.ID, DestinationOf(subscription)
	if !subscription.Enabled {
		n.Status = model.NotificationHeld
	}
	return o.write(tx, n, &subscription)
}

// write records a new notification, and its body unless that is on record. If the
// sender of this process has room, the notification is leased to it from the start and
// is sent as soon as it is on disk.
func (o *Outbox) write(tx *store.Tx, n *model.Notification, subscription *model.Subscription) error {
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
		tx.AfterCommit(o.feed.send)
	case o.startAfterCommit(tx, n, subscription):
	default:
		if err := o.announce(tx); err != nil {
			return err
		}
	}
	return tx.InsertNotification(*n)
}

// startAfterCommit leases a notification to this process if its sender has room. A body
// that is on disk already is left there.
func (o *Outbox) startAfterCommit(tx *store.Tx, n *model.Notification, subscription *model.Subscription) bool {
	if o.sender == nil || len(n.Body) == 0 {
		return false
	}
	reservation, ok := o.sender.Reserve(n, subscription)
	if !ok {
		return false
	}
	n.ScheduledAt = tx.Now()
	n.Lease = reservation.Lease()
	started := *n
	tx.AfterCommit(func() {
		reservation.Start(started)
		o.feed.send()
	})
	tx.AfterRollback(reservation.Cancel)
	return true
}

// announce has every process look for due notifications.
func (o *Outbox) announce(tx *store.Tx) error {
	tx.AfterCommit(func() {
		if o.sender != nil {
			o.sender.Wake()
		}
		o.feed.send()
	})
	return tx.Signal(store.SignalNotifications)
}
