package runs

import (
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/pubsub"
	"github.com/runhook/runhook/server/internal/runqueue"
	"github.com/runhook/runhook/server/internal/store"
)

// start is a run to be begun.
type start struct {
	version store.JobVersion
	// event has its name, source, payload, context and flags, and its event id if
	// the caller chose one.
	event model.Event
	// account is on whose behalf the run works; nil for none. Its id is the
	// event's.
	account *model.Account
	// caller is notified of the run's end; nobody if its URL is empty.
	caller model.RunCaller
	// lifetime is the run's time to live; zero for any time. See [Invocation].
	lifetime time.Duration
	// startAt is the earliest time that the run is executed; zero for at once.
	startAt time.Time
}

// startRun records an event and a run of it, and returns the run's id, or an
// empty one if the environment already has an event with its event id.
func (e *Engine) startRun(tx *store.Tx, environment *model.Environment, s start) (string, error) {
	now := tx.Now()
	s.event.ID, s.event.EnvironmentID = model.NewID(model.PrefixEvent, now), environment.ID
	s.event.Timestamp, s.event.DeliverAt, s.event.CreatedAt, s.event.UpdatedAt = now, now, now, now
	s.event.DeliveredAt, s.event.CancelledAt = time.Time{}, time.Time{}
	if s.event.EventID == "" {
		s.event.EventID = s.event.ID[len(model.PrefixEvent):]
	}
	// What is kept and sent to others of the run's event has no secret, from the start.
	if err := tx.SealEvent(&s.event); err != nil {
		return "", err
	}
	inserted, err := tx.InsertEvent(s.event)
	if err != nil || !inserted {
		return "", err
	}
	return e.begin(tx, environment, s)
}

// StartRuns records a run of each of the job versions for an event that is on
// record or that the transaction records. account is the event's, nil for none.
// Whoever delivers events sees to it that an event starts a job once.
func (e *Engine) StartRuns(tx *store.Tx, environment *model.Environment, versions []store.JobVersion, event model.Event, account *model.Account) error {
	runs := make([]model.Run, len(versions))
	for i, version := range versions {
		runs[i] = e.newRun(tx, environment, start{version: version, event: event, account: account})
	}
	return e.recordRuns(tx, runs...)
}

// begin records a run of an event that is on record.
func (e *Engine) begin(tx *store.Tx, environment *model.Environment, s start) (string, error) {
	run := e.newRun(tx, environment, s)
	return run.ID, e.recordRuns(tx, run)
}

// recordRuns records new runs, and announces them if any has yet to be claimed.
func (e *Engine) recordRuns(tx *store.Tx, runs ...model.Run) error {
	var earliest time.Time
	for _, run := range runs {
		if due := laterOf(tx.Now(), run.StartAt); run.Lease.Owner == "" && (earliest.IsZero() || due.Before(earliest)) {
			earliest = due
		}
	}
	if !earliest.IsZero() {
		if err := e.announceRun(tx, earliest); err != nil {
			return err
		}
	}
	return tx.InsertRuns(runs)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// newRun returns a run to be recorded in the transaction. If this process has room,
// the run is its own from the start and is executed as soon as it is on disk.
func (e *Engine) newRun(tx *store.Tx, environment *model.Environment, s start) model.Run {
	now := tx.Now()
	v := s.version
	x := store.Execution{
		Event: s.event, Job: v.Job, Version: v.Version, Endpoint: v.Endpoint, Account: s.account,
		NotifySuccess: v.NotifySuccess, NotifyFailure: v.NotifyFailure,
		Run: model.Run{
			ID: model.NewID(model.PrefixRun, now), EnvironmentID: environment.ID, JobID: v.Job.ID, JobVersionID: v.ID,
			EndpointID: v.Endpoint.ID, EventID: s.event.ID, AccountID: s.event.AccountID, Status: protocol.RunQueued,
			CallbackURL: s.caller.URL, CallbackTaskID: s.caller.TaskID, IsTest: s.event.IsTest, Internal: v.Job.Internal, LimitKey: v.LimitKey,
			CreatedAt: now, QueuedAt: now, UpdatedAt: now, StartAt: s.startAt,
		},
	}
	e.publishRun(tx, pubsub.RunAccepted, &x, x.Run.Status, time.Time{}, "")
	if s.lifetime > 0 {
		x.Run.ExpiresAt = laterOf(now, s.startAt).Add(s.lifetime)
		tx.AfterCommit(func() { e.expiries.Wake(x.Run.ExpiresAt) })
	}
	// Whether a limit has room is decided where runs are claimed.
	var permit *runqueue.Permit
	if x.Run.LimitKey == "" && !s.startAt.After(now) {
		permit = e.queue.TryAcquire(environment.ID, x.Endpoint.ID, x.Bytes())
	}
	if permit == nil {
		tx.AfterCommit(func() { e.queue.Queued(environment.ID) })
		return x.Run
	}
	x.Run.Status, x.Run.StartedAt = model.RunExecutes.To, now
	x.Run.Lease = model.Lease{Owner: e.config.Node.ID(), Number: 1}
	tx.AfterCommit(func() { permit.Start(x) })
	tx.AfterRollback(func(err error) {
		permit.Release()
		e.config.Node.RotateIfUnknown(err)
	})
	return x.Run
}

// account returns the environment's account with the caller's identifier, which
// is made if there is none, and its id; nothing for an empty identifier.
func account(tx *store.Tx, environment *model.Environment, identifier string) (string, *model.Account, error) {
	if identifier == "" {
		return "", nil, nil
	}
	id, err := tx.UpsertAccount(environment.ID, identifier)
	if err != nil {
		return "", nil, err
	}
	found, _, err := tx.Account(id)
	return id, &found, err
}

// replacement says which app disabled a job by replacing the one that had it; empty
// if none did.
func replacement(version store.JobVersion) string {
	if version.ReplacedBy == "" {
		return ""
	}
	return fmt.Sprintf(": since %s the endpoint id %q belongs to the app at %s, which does not have this job. "+
		"Give each app an id of its own, and register both again", version.ReplacedAt.Format(time.RFC3339), version.Endpoint.Slug, version.ReplacedBy)
}

// ErrJobUnavailable is in the chain of the error of an invocation whose job the
// environment does not have, or has disabled.
var ErrJobUnavailable = errors.New("the job takes no runs")

func unavailable(code model.Code, format string, args ...any) error {
	return &unavailableError{model.Errorf(code, format, args...)}
}

type unavailableError struct{ error }

func (e *unavailableError) Error() string   { return e.error.Error() }
func (e *unavailableError) Unwrap() []error { return []error{e.error, ErrJobUnavailable} }

// latestVersion returns the version of a job that new runs take.
func latestVersion(tx *store.Tx, environment *model.Environment, jobSlug string) (store.JobVersion, error) {
	version, found, err := tx.LatestJobVersion(environment, jobSlug)
	if err != nil {
		return version, err
	}
	if !found {
		return version, unavailable(model.NotFound, "Job not found: no endpoint registered in %s has a job %q", environment.Type, jobSlug)
	}
	if version.Status != model.JobActive {
		return version, unavailable(model.Invalid, "Job %q is disabled in %s%s", jobSlug, environment.Type, replacement(version))
	}
	return version, nil
}
