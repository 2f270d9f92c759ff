package model

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"
)

// Limit is how long a text may be that stands in an index of the database.
// PostgreSQL refuses entries of an index over 2,704 bytes, all columns together, if
// they do not compress; limits are the same on both engines and leave room for
// the ids that stand beside a text, and for what the server adds to one.
type Limit struct {
	// What names the texts, for people and for the table in docs/api.md.
	What string
	// Bytes is the most they may have, in UTF-8.
	Bytes int
}

// The limits of all texts that callers and apps choose and that stand in an index.
var (
	LimitEventID         = Limit{"id of an event, `Idempotency-Key` of an invocation or a registration", 1000}
	LimitEventName       = Limit{"name of an event, also in a job's trigger, a wait or a rule", 1000}
	LimitEventSource     = Limit{"source of an event, also in a job's trigger, a wait or a rule", 1000}
	LimitAccountID       = Limit{"id of an account (`accountId`)", 1000}
	LimitTaskKey         = Limit{"idempotency key of a task", 1000}
	LimitStatusKey       = Limit{"key of a run's status", 1000}
	LimitEndpointID      = Limit{"id of an app (its client's `id`)", 500}
	LimitJobID           = Limit{"id of a job", 500}
	LimitJobVersion      = Limit{"version of a job", 100}
	LimitConcurrencyID   = Limit{"id of a concurrency limit that jobs share", 500}
	LimitDynamicID       = Limit{"id of a dynamic schedule or a dynamic trigger", 500}
	LimitScheduleKey     = Limit{"key of a schedule that is registered with a dynamic schedule", 1000}
	LimitSourceKey       = Limit{"key of a source, for a dynamic trigger together with the registration's", 1000}
	LimitHTTPEndpointKey = Limit{"id of an HTTP endpoint, key of a webhook", 500}
	LimitStoreKey        = Limit{"key in the key-value store", 2000}
)

// Limits are all of them, in the order of the documentation.
var Limits = []Limit{
	LimitEventID, LimitEventName, LimitEventSource, LimitAccountID, LimitTaskKey, LimitStatusKey, LimitEndpointID, LimitJobID,
	LimitJobVersion, LimitConcurrencyID, LimitDynamicID, LimitScheduleKey, LimitSourceKey, LimitHTTPEndpointKey, LimitStoreKey,
}

// Check returns an [Invalid] error that names the field and the limit if a text is
// too long.
func (l Limit) Check(field, text string) error {
	if len(text) <= l.Bytes {
		return nil
	}
	return Errorf(Invalid, "%s must have at most %d bytes, not %d", field, l.Bytes, len(text))
}

// Fit returns a text that is within the limit: the text itself, or the beginning of
// one that is too long and a hash of it all, which no other text has. It is for rows
// that were written before there were limits.
func (l Limit) Fit(text string) string {
	if len(text) <= l.Bytes {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	suffix := "~" + hex.EncodeToString(sum[:])
	cut := l.Bytes - len(suffix)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:max(0, cut)] + suffix
}
