package store

import "github.com/runhook/runhook/server/internal/model"

var scheduleInvariants = []Invariant{
	leaseless("schedules"), idle("schedules"),
	{
		Name: "schedules tick once", Table: "schedules",
		Broken: "is due while its tick is being started, or although it is switched off",
		broken: `x.due_at IS NOT NULL AND (x.lease_owner IS NOT NULL OR NOT x.active)`,
		repair: `due_at = NULL`,
	},
}

// pendingDelivery is the condition that a request waits for its app, in the words of
// the index of those that do.
func pendingDelivery(row string) string {
	return row + `.status = '` + string(model.SourceDeliveryPending) + `'`
}

// isFirst is the condition that no request before x of its source waits for its app.
var isFirst = `NOT EXISTS (SELECT 1 FROM source_deliveries b WHERE b.source_id = x.source_id AND ` + pendingDelivery("b") + ` AND b.number < x.number)`

var sourceInvariants = []Invariant{
	leaseless("source_deliveries"), idle("source_deliveries"),
	{
		Name: "the first request of a source is delivered", Table: "source_deliveries",
		Broken: "is the first of its source that waits for its app, but is neither due nor being delivered (or both)",
		broken: pendingDelivery("x") + ` AND (x.due_at IS NULL) = (x.lease_owner IS NULL) AND ` + isFirst,
		repair: `due_at = CASE WHEN lease_owner IS NULL THEN updated_at END`,
	},
	{
		Name: "requests wait for those before them", Table: "source_deliveries",
		Broken: "is due before a request that came earlier has ended",
		broken: pendingDelivery("x") + ` AND x.due_at IS NOT NULL AND NOT (` + isFirst + `)`,
		repair: `due_at = NULL`,
	},
	{
		Name: "requests are delivered in their order", Table: "source_deliveries",
		Broken: "is being delivered before a request that came earlier has ended",
		broken: pendingDelivery("x") + ` AND x.lease_owner IS NOT NULL AND NOT (` + isFirst + `)`,
	},
	{
		Name: "requests that ended rest", Table: "source_deliveries",
		Broken: "was delivered or exhausted, but is due or being delivered all the same",
		broken: `NOT (` + pendingDelivery("x") + `) AND (x.due_at IS NOT NULL OR x.lease_owner IS NOT NULL)`,
		repair: `due_at = NULL, lease_owner = NULL`,
	},
	{
		Name: "sources count their requests", Table: "source_deliveries",
		Broken: "has a number that its source has not given yet",
		broken: `NOT EXISTS (SELECT 1 FROM source_queues q WHERE q.source_id = x.source_id AND q.last_number >= x.number)`,
	},
}

var waitInvariants = []Invariant{
	leaseless("event_waits"), idle("event_waits"),
	{
		Name: "waits receive their event", Table: "event_waits",
		Broken: "has its event, but its waiter is not to be notified of it (or twice)",
		broken: `x.event_id IS NOT NULL AND (x.due_at IS NULL) = (x.lease_owner IS NULL)`,
		// The beginning of time: it has no other to be due at.
		repair: `due_at = CASE WHEN lease_owner IS NULL THEN 1 END`,
	},
	{
		Name: "waits end", Table: "event_waits",
		Broken: "waits for an event, but its time is never over (or twice)",
		broken: `x.event_id IS NULL AND (x.due_at IS NULL) = (x.lease_owner IS NULL)`,
	},
}
