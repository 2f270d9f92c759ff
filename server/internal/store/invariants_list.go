package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// leaseless returns the invariant that whatever is leased, is so to a process that
// is on record: otherwise it would never be released. Processes release such
// rows themselves ([Tx.LostOwners]).
func leaseless(table string) Invariant {
	return Invariant{
		Name: table + " are leased to known processes", Table: table,
		Broken: "is leased to a process that is not on record, and would stay so",
		broken: `x.lease_owner IS NOT NULL AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = x.lease_owner)`,
		Passes: true,
	}
}

// idle returns the invariant that whatever is leased is worked on. Only the process
// itself can say so ([Tx.NoteIdleLeases]), and it releases such rows.
func idle(table string) Invariant {
	return Invariant{
		Name: table + " that are leased are worked on", Table: table,
		Broken: "is leased to a process that lives but does not work on it",
		broken: `x.lease_owner IS NOT NULL AND EXISTS (SELECT 1 FROM idle_leases i
			WHERE i.table_name = '` + table + `' AND i.id = x.id AND i.lease_owner = x.lease_owner AND i.lease_number = x.lease_number)`,
		Passes: true,
	}
}

// The statuses of runs and tasks by what they wait for.
var (
	dueRunStatuses   = []protocol.RunStatus{protocol.RunPending, protocol.RunQueued, protocol.RunWaitingToExecute}
	openRunStatuses  = model.OpenRunStatuses()
	openTaskStatuses = model.TaskCompletes.From
)

// hasEnded is the condition that the run x has ended.
var hasEnded = `x.status NOT IN (` + quoted(openRunStatuses) + `)`

var invariants = slices.Concat(runInvariants, taskInvariants, notificationInvariants, eventInvariants, indexInvariants,
	scheduleInvariants, sourceInvariants, waitInvariants, nodeInvariants)

var runInvariants = []Invariant{
	leaseless("runs"), idle("runs"),
	{
		Name: "runs that may execute are due", Table: "runs",
		Broken: "may be executed, but is neither due nor waits for room under its concurrency limit (or is more than one of them)",
		broken: is("x.status", dueRunStatuses...) + ` AND (x.lease_owner IS NOT NULL OR x.parked = (x.due_at IS NOT NULL))`,
		repair: `due_at = created_at, parked = FALSE, lease_owner = NULL`,
	},
	{
		Name: "runs that execute are leased", Table: "runs",
		Broken: "is being executed, but by no process, or it is due at the same time",
		broken: is("x.status", model.RunReleased.From...) + ` AND (x.lease_owner IS NULL OR x.due_at IS NOT NULL OR x.parked)`,
		repair: `status = '` + string(model.RunReleased.To) + `', due_at = created_at, priority = 0, parked = FALSE, lease_owner = NULL`,
	},
	{
		// No execution takes as long, so its lease owner no longer works on it.
		Name: "executions end", Table: "runs",
		Broken: "has been executed for a day, though no execution may take that long",
		broken: is("x.status", model.RunReleased.From...) + ` AND x.lease_owner IS NOT NULL AND x.updated_at < $now - ` + fmt.Sprint((24 * time.Hour).Microseconds()),
		repair: `status = '` + string(model.RunReleased.To) + `', due_at = created_at, priority = 0, lease_owner = NULL`,
	},
	{
		Name: "runs that wait are woken by a task", Table: "runs",
		Broken: "waits for a task, but none of its tasks is due, waits for a callback or is performed by the server",
		broken: is("x.status", model.RunResumes.From...) + ` AND (x.lease_owner IS NOT NULL OR x.due_at IS NOT NULL OR x.parked OR NOT EXISTS (
			SELECT 1 FROM tasks t WHERE t.run_id = x.id AND ` + is("t.status", openTaskStatuses...) + `
			AND (t.due_at IS NOT NULL OR t.operation_at IS NOT NULL OR t.lease_owner IS NOT NULL OR t.callback_secret IS NOT NULL)))`,
		repair: `status = '` + string(model.RunResumes.To) + `', due_at = created_at, priority = 0, parked = FALSE, lease_owner = NULL`,
	},
	{
		Name: "runs that wait for room get it", Table: "runs",
		Broken: "waits for room under its concurrency limit, which is not used",
		broken: `x.parked
			AND x.limit_key NOT IN (SELECT o.limit_key FROM runs o WHERE o.limit_key IS NOT NULL AND o.lease_owner IS NOT NULL)
			AND x.limit_key NOT IN (SELECT o.limit_key FROM runs o WHERE o.limit_key IS NOT NULL AND o.due_at IS NOT NULL AND o.lease_owner IS NULL)`,
		repair: `due_at = created_at, parked = FALSE`,
	},
	{
		Name: "runs that ended rest", Table: "runs",
		Broken: "has ended, but is due or leased all the same, or has no time of its end",
		broken: hasEnded + ` AND (x.lease_owner IS NOT NULL OR x.due_at IS NOT NULL OR x.parked OR x.completed_at IS NULL)`,
		repair: `due_at = NULL, parked = FALSE, lease_owner = NULL, completed_at = COALESCE(completed_at, updated_at)`,
	},
	{
		Name: "runs that ended are reported once", Table: "runs",
		Broken: "has ended and has a callback URL, but not exactly one notification for it",
		broken: hasEnded + ` AND x.callback_url IS NOT NULL AND x.trimmed_at IS NULL AND (
			SELECT COUNT(*) FROM notifications n WHERE n.run_id = x.id AND n.url <> '' AND n.subscription_id IS NULL AND n.created_at = x.completed_at)
			NOT BETWEEN 1 AND 1 + (SELECT COUNT(*) FROM run_callers c WHERE c.run_id = x.id)`,
	},
	{
		Name: "callers of runs that ended are notified", Table: "runs",
		Broken: "has ended, but a caller who was given it by its idempotency key has no notification",
		broken: hasEnded + ` AND x.trimmed_at IS NULL AND EXISTS (
			SELECT 1 FROM run_callers c WHERE c.run_id = x.id AND NOT EXISTS (
				SELECT 1 FROM notifications n WHERE n.run_id = x.id AND n.url = c.url AND n.superseded_at IS NULL))`,
	},
	subscriptionsNotified,
	{
		Name: "runs have their event", Table: "runs",
		Broken: "belongs to an event that does not exist",
		broken: `NOT EXISTS (SELECT 1 FROM events e WHERE e.id = x.event_id)`,
	},
}

// ofOpenRun is the condition that the task x belongs to a run that has not ended.
var ofOpenRun = `EXISTS (SELECT 1 FROM runs r WHERE r.id = x.run_id AND ` + is("r.status", openRunStatuses...) + `)`

var taskInvariants = []Invariant{
	leaseless("tasks"), idle("tasks"),
	{
		Name: "tasks have their run", Table: "tasks",
		Broken: "belongs to a run that does not exist",
		broken: `NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = x.run_id)`,
	},
	{
		Name: "tasks that wait are due", Table: "tasks",
		Broken: "waits, but neither for a time nor for a callback",
		broken: is("x.status", model.TaskPauseEnds.From...) + ` AND x.due_at IS NULL AND x.callback_secret IS NULL AND ` + ofOpenRun,
		repair: `due_at = COALESCE(delay_until, started_at)`,
	},
	{
		Name: "operations are performed", Table: "tasks",
		Broken: "is for the server to perform, but is neither due nor being performed",
		broken: is("x.status", protocol.TaskRunning) + ` AND x.operation IS NOT NULL AND x.operation_at IS NULL AND x.lease_owner IS NULL AND ` + ofOpenRun,
		repair: `operation_at = started_at`,
	},
	{
		Name: "tasks that ended rest", Table: "tasks",
		Broken: "has ended, but is due all the same",
		broken: `x.status NOT IN (` + quoted(openTaskStatuses) + `) AND (x.due_at IS NOT NULL OR x.operation_at IS NOT NULL)`,
		repair: `due_at = NULL, operation_at = NULL`,
	},
	{
		Name: "tasks count their attempts", Table: "tasks",
		Broken: "counts another number of attempts than are on record",
		broken: `x.attempts <> 1 + (SELECT COUNT(*) FROM task_attempts a WHERE a.task_id = x.id)`,
	},
}

var notificationInvariants = []Invariant{
	leaseless("notifications"), idle("notifications"),
	{
		Name: "notifications have their run", Table: "notifications",
		Broken: "is of a run that does not exist",
		broken: is("x.kind", model.NotifyRunEnded) + ` AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = x.run_id)`,
	},
	{
		Name: "notifications have their body", Table: "notifications",
		Broken: "has no body on record, and cannot be sent",
		broken: `NOT EXISTS (SELECT 1 FROM notification_bodies b WHERE b.id = x.body_id)`,
	},
	{
		Name: "pending notifications are due", Table: "notifications",
		Broken: "is pending, but is neither due nor being sent (or both)",
		broken: is("x.status", model.NotificationPending) + ` AND (x.due_at IS NULL) = (x.lease_owner IS NULL)`,
		repair: `due_at = CASE WHEN lease_owner IS NULL THEN updated_at END`,
	},
	{
		Name: "notifications that are settled rest", Table: "notifications",
		Broken: "was delivered or exhausted and not replayed, but it is due",
		broken: `NOT (` + is("x.status", model.NotificationPending) + `) AND x.due_at IS NOT NULL AND NOT x.resend`,
		repair: `due_at = NULL`,
	},
	{
		Name: "notifications that were delivered say when", Table: "notifications",
		Broken: "is said to be delivered, but not when, or the other way round",
		broken: `(` + is("x.status", model.NotificationDelivered) + `) = (x.delivered_at IS NULL)`,
	},
	{
		Name: "notifications count their attempts", Table: "notifications",
		Broken: "counts another number of attempts than are on record",
		broken: `x.attempts <> (SELECT COUNT(*) FROM notification_attempts a WHERE a.notification_id = x.id)`,
	},
	{
		Name: "feeds count their notifications", Table: "notifications",
		Broken: "has a position in its feed that the feed has not given yet",
		broken: `x.feed_position IS NOT NULL AND NOT EXISTS (
			SELECT 1 FROM notification_feeds f WHERE f.environment_id = x.environment_id AND f.last_position >= x.feed_position)`,
	},
}

var eventInvariants = []Invariant{
	leaseless("events"), idle("events"),
	{
		Name: "events are delivered by one", Table: "events",
		Broken: "is due and being delivered at the same time",
		broken: `x.due_at IS NOT NULL AND x.lease_owner IS NOT NULL`,
	},
	{
		// Others may have ended a wait instead, which leaves no trace.
		Name: "invocations have their runs", Table: "events",
		Broken: "is an invocation, but its run does not exist",
		broken: `x.internal AND x.name = '` + model.InvokeEventName + `' AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.event_id = x.id)`,
	},
}

var indexInvariants = []Invariant{
	leaseless("endpoint_indexes"), idle("endpoint_indexes"),
	{
		Name: "indexings that are ordered are due", Table: "endpoint_indexes",
		Broken: "is ordered, but is neither due nor under way (or both)",
		broken: is("x.status", model.IndexPending, model.IndexStarted) + ` AND (x.due_at IS NULL) = (x.lease_owner IS NULL)`,
		repair: `due_at = CASE WHEN lease_owner IS NULL THEN updated_at END`,
	},
}

// is returns the condition that a status is one of those given.
func is[T ~string](column string, statuses ...T) string {
	return column + ` IN (` + quoted(statuses) + `)`
}
