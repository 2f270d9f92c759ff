package storetest

import (
	"math"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

func (f *fixture) newEndpoint(environment *model.Environment, slug string) model.Endpoint {
	f.Helper()
	return write(f, func(tx *store.Tx) (model.Endpoint, error) {
		return tx.UpsertEndpoint(model.Endpoint{
			ID: f.id(model.PrefixEndpoint), EnvironmentID: environment.ID, Slug: slug, URL: "http://127.0.0.1:9/" + slug,
			IndexingHookID: "hook-" + slug, Version: model.Unknown, SDKVersion: model.Unknown, ExecutionLimit: time.Minute,
		})
	})
}

// newVersion makes a version of a job, and the one that new runs take if latest
// is set.
func (f *fixture) newVersion(environment *model.Environment, endpoint model.Endpoint, job model.Job, number string, latest bool) store.JobVersion {
	f.Helper()
	f.update(func(tx *store.Tx) error {
		return tx.UpsertJobVersion(store.JobVersion{
			EnvironmentID: environment.ID, Job: job, Version: number, Endpoint: endpoint,
		}, []byte(`{"event":{"name":"invoke"}}`))
	})
	if latest {
		f.update(func(tx *store.Tx) error {
			return tx.SetLatest(environment.ID, job.ID, f.versionOf(tx, environment, job, number).ID)
		})
	}
	return write(f, func(tx *store.Tx) (store.JobVersion, error) {
		return f.versionOf(tx, environment, job, number), nil
	})
}

func (f *fixture) versionOf(tx *store.Tx, environment *model.Environment, job model.Job, number string) store.JobVersion {
	versions, err := tx.JobVersions(environment.ID, job.ID)
	if err != nil {
		f.Error(err)
	}
	for _, version := range versions {
		if version.Version == number {
			return version
		}
	}
	f.Errorf("version %s of job %s is not there", number, job.Slug)
	return store.JobVersion{}
}

// event returns an event of the fixture's environment that is not stored.
func (f *fixture) event() model.Event {
	id, now := f.id(model.PrefixEvent), f.clock.Now()
	return model.Event{
		ID: id, EnvironmentID: f.environment.ID, EventID: "key-" + id, Name: model.InvokeEventName, Source: model.DefaultSource,
		Payload: []byte(`{"order":1}`), Context: []byte(`{}`), Internal: true, Timestamp: now, DeliverAt: now, CreatedAt: now,
	}
}

// run returns a run of the fixture's job that is QUEUED and not stored.
func (f *fixture) run() model.Run {
	now := f.clock.Now()
	return model.Run{
		ID: f.id(model.PrefixRun), EnvironmentID: f.environment.ID, JobID: f.job.ID, JobVersionID: f.version.ID,
		EndpointID: f.endpoint.ID, Status: protocol.RunQueued, CreatedAt: now, QueuedAt: now, UpdatedAt: now,
	}
}

// insertRun stores a run with an event of its own, if it has none, as changed by
// the given functions.
func (f *fixture) insertRun(changes ...func(r *model.Run)) model.Run {
	f.Helper()
	run := f.run()
	for _, change := range changes {
		change(&run)
	}
	f.update(func(tx *store.Tx) error {
		if run.EventID == "" {
			event := f.event()
			event.EnvironmentID = run.EnvironmentID
			run.EventID = event.ID
			if _, err := tx.InsertEvent(event); err != nil {
				return err
			}
		}
		return tx.InsertRun(run)
	})
	return run
}

// leased has a run be executed by a process.
func leased(owner string) func(*model.Run) {
	return func(r *model.Run) {
		r.Status, r.Lease, r.StartedAt = protocol.RunExecuting, model.Lease{Owner: owner, Number: 1}, r.CreatedAt
	}
}

func withStatus(status protocol.RunStatus) func(*model.Run) {
	return func(r *model.Run) { r.Status = status }
}

// storedRun returns a run as it now is.
func (f *fixture) storedRun(r model.Run) model.Run {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.Run, bool, error) { return tx.Run(r.EnvironmentID, r.ID) })
}

// claim leases due runs and returns their ids.
func (f *fixture) claim(owner string, limit int) []string {
	f.Helper()
	return names(f.claimExecutions(owner, limit), func(x store.Execution) string { return x.Run.ID })
}

func (f *fixture) claimExecutions(owner string, limit int) (claimed []store.Execution) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		claimed, err = tx.ClaimRuns(store.RunClaim{Owner: owner, Limit: limit})
		return err
	})
	return claimed
}

// task returns a RUNNING task of a run that is not stored.
func (f *fixture) task(run model.Run, key string) model.Task {
	return model.Task{
		ID: f.id(model.PrefixTask), EnvironmentID: run.EnvironmentID, RunID: run.ID, IdempotencyKey: key, Name: "Task",
		Status: protocol.TaskRunning, Attempts: 1, StartedAt: f.clock.Now(),
	}
}

// insertTask stores a task of a run, as changed by the given functions.
func (f *fixture) insertTask(run model.Run, key string, changes ...func(t *model.Task)) model.Task {
	f.Helper()
	task := f.task(run, key)
	for _, change := range changes {
		change(&task)
	}
	if !write(f, func(tx *store.Tx) (bool, error) { return tx.InsertTask(&task) }) {
		f.Fatalf("the run has a task with the key %q already", key)
	}
	return task
}

func taskStatus(status protocol.TaskStatus) func(*model.Task) {
	return func(t *model.Task) { t.Status = status }
}

// waiting has a task wait until it is due.
func waiting(due time.Time) func(*model.Task) {
	return func(t *model.Task) { t.Status, t.DueAt = protocol.TaskWaiting, due }
}

// storedTask returns a task as it now is.
func (f *fixture) storedTask(t model.Task) model.Task {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.Task, bool, error) { return tx.Task(t.ID) })
}

// usualDestination is where the fixture's notifications go.
const usualDestination = "env_0 http://127.0.0.1:9"

// insertNotification stores a notification, as changed by the given functions.
func (f *fixture) insertNotification(run model.Run, changes ...func(n *model.Notification)) model.Notification {
	f.Helper()
	n := model.Notification{
		ID: f.id(model.PrefixNotification), EnvironmentID: run.EnvironmentID, RunID: run.ID, URL: "http://127.0.0.1:9/done",
		Kind: model.NotifyRunEnded, Destination: usualDestination, Sequence: 1,
		Status: model.NotificationPending, RunStatus: protocol.RunSuccess, Body: []byte(`{"ok":true}`),
		ScheduledAt: f.clock.Now(), CreatedAt: f.clock.Now(), UpdatedAt: f.clock.Now(),
	}
	n.BodyID = n.ID
	for _, change := range changes {
		change(&n)
	}
	f.update(func(tx *store.Tx) error { return insertWhole(tx, n) })
	return n
}

// insertWhole stores a notification with its body.
func insertWhole(tx *store.Tx, n model.Notification) error {
	if err := tx.InsertNotificationBody(n.BodyID, n.Body); err != nil {
		return err
	}
	return tx.InsertNotification(n)
}

// sentBy has a notification be sent by a process.
func sentBy(owner string) func(*model.Notification) {
	return func(n *model.Notification) { n.Lease = model.Lease{Owner: owner, Number: 1} }
}

// storedNotification returns a notification as it now is.
func (f *fixture) storedNotification(n model.Notification) model.Notification {
	f.Helper()
	return find(f, func(tx *store.Tx) (model.Notification, bool, error) { return tx.Notification(n.EnvironmentID, n.ID) })
}

// claimOf is a claim of notifications to a destination, whatever their size.
func claimOf(owner, destination string, limit int) store.NotificationClaim {
	return store.NotificationClaim{Owner: owner, Destination: destination, Limit: limit, Bytes: math.MaxInt64}
}

// claimNotifications leases due notifications.
func (f *fixture) claimNotifications(owner string, limit int) (claimed []model.Notification) {
	f.Helper()
	f.update(func(tx *store.Tx) error {
		found, err := tx.ClaimNotifications(claimOf(owner, usualDestination, limit))
		if err != nil {
			return err
		}
		claimed = found.Notifications
		return tx.ReadBodies(claimed)
	})
	return claimed
}

// insertIndex stores an indexing of the fixture's endpoint.
func (f *fixture) insertIndex(due time.Time, changes ...func(i *model.EndpointIndex)) model.EndpointIndex {
	f.Helper()
	i := model.EndpointIndex{
		ID: f.id(model.PrefixEndpointIndex), EnvironmentID: f.environment.ID, EndpointID: f.endpoint.ID,
		Source: model.IndexFromRegister, Status: model.IndexPending, CreatedAt: f.clock.Now(), UpdatedAt: f.clock.Now(),
	}
	for _, change := range changes {
		change(&i)
	}
	f.update(func(tx *store.Tx) error { return tx.InsertIndex(i, due) })
	return i
}

// claimIndexes leases due indexings.
func (f *fixture) claimIndexes(owner string, limit int) (claimed []model.EndpointIndex) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		claimed, err = tx.ClaimIndexes(owner, f.environment.ID, limit)
		return err
	})
	return claimed
}

func runID(r model.Run) string                   { return r.ID }
func taskID(t model.Task) string                 { return t.ID }
func notificationID(n model.Notification) string { return n.ID }
func indexID(i model.EndpointIndex) string       { return i.ID }
