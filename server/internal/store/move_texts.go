package store

import "github.com/runhook/runhook/server/internal/model"

// indexed says how long texts that callers have chosen may be in columns that stand
// in an index of PostgreSQL, where an entry has at most 2,704 bytes. These are not
// the limits that callers are held to, but what an index takes: a row from before
// there were limits is changed only if it must be. Columns that are compared with
// each other have the same limit, so that what was equal still is.
var indexed = map[string]model.Limit{
	"endpoints.slug":            long,
	"attachments.endpoint_slug": long,
	"jobs.slug":                 long,
	"job_versions.version":      long,
	"job_versions.limit_key":    long,
	"runs.limit_key":            long,
	"concurrency_limits.key":    long,
	"accounts.identifier":       long,
	"events.event_id":           long,
	"tasks.idempotency_key":     long,
	"run_statuses.key":          long,
	"dynamic_schedules.slug":    long,
	"schedules.key":             long,
	"dynamic_triggers.slug":     long,
	"trigger_sources.key":       long,
	"http_endpoints.key":        long,
	"webhooks.key":              long,
	"key_values.name":           long,
	"notifications.destination": long,
	"dispatcher_events.name":    half,
	"dispatcher_events.source":  half,
}

// What is left of an index's entry beside the ids in it, for one text and for each of
// two.
var (
	long = model.Limit{What: "text in an index", Bytes: 2400}
	half = model.Limit{What: "one of two texts in an index", Bytes: 1200}
)

// shorten cuts the values of a row that no index takes, and returns how many these
// were.
func (t table) shorten(values []any) (shortened int) {
	for i, column := range t.columns {
		limit, found := indexed[t.name+"."+column]
		text, isText := values[i].(string)
		if !found || !isText || len(text) <= limit.Bytes {
			continue
		}
		values[i] = limit.Fit(text)
		shortened++
	}
	return shortened
}
