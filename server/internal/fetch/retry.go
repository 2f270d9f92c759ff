package fetch

import (
	"net/http"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/filter"
)

// statusRetry says when to try again after an answer with certain statuses.
type statusRetry struct {
	pattern    pattern
	bodyFilter *filter.Filter // nil if none was given
	// One of the two is set.
	backoff *backoff
	reset   *reset
}

// mostRetries bounds the status patterns of a fetch, each of which may have a filter to
// match an answer with.
const mostRetries = 50

// parseRetries reads {status pattern: strategy}, the most precise pattern first.
func parseRetries(members object) ([]statusRetry, error) {
	if !members.has("retry") {
		return nil, nil
	}
	entries, err := members.object("retry")
	if err != nil {
		return nil, err
	}
	if len(entries.raw) > mostRetries {
		return nil, members.errorf("retry", "has %d status patterns: at most %d are accepted", len(entries.raw), mostRetries)
	}
	parsed := make([]statusRetry, 0, len(entries.raw))
	for _, name := range entries.names() {
		strategy, err := entries.object(name)
		if err != nil {
			return nil, err
		}
		entry, err := parseStrategy(strategy)
		if err != nil {
			return nil, err
		}
		entry.pattern = parsePattern(name)
		parsed = append(parsed, entry)
	}
	slices.SortFunc(parsed, func(a, b statusRetry) int { return byPrecision(a.pattern, b.pattern) })
	return parsed, nil
}

func parseStrategy(strategy object) (parsed statusRetry, err error) {
	if strategy.has("bodyFilter") {
		if parsed.bodyFilter, err = filter.Parse(strategy.raw["bodyFilter"]); err != nil {
			return statusRetry{}, strategy.errorf("bodyFilter", "is invalid: %v", err)
		}
	}
	kind, err := strategy.text("strategy")
	if err != nil {
		return statusRetry{}, err
	}
	switch kind {
	case "backoff":
		parsed.backoff, err = parseBackoff(strategy)
	case "headers":
		parsed.reset, err = parseReset(strategy)
	default:
		err = strategy.errorf("strategy", "must be backoff or headers")
	}
	return parsed, err
}

// retryAt returns when to try again after an answer, or false if not.
func (f *Fetch) retryAt(answer *answer, attempt int, now time.Time, random float64) (time.Time, bool) {
	body := answer.json()
	decoded, err := filter.Decode(body)
	unmatched := err != nil || isFalsy(body)
	for _, entry := range f.retries {
		if !entry.pattern.matches(answer.status) {
			continue
		}
		if entry.bodyFilter != nil && (unmatched || !entry.bodyFilter.MatchDecoded(decoded)) {
			continue
		}
		if entry.reset != nil {
			return entry.reset.retryAt(answer.header, attempt, now)
		}
		return after(now, entry.backoff, attempt, random)
	}
	return time.Time{}, false
}

// after returns the time after a backoff's pause, or false if there is none.
func after(now time.Time, backoff *backoff, attempt int, random float64) (time.Time, bool) {
	pause, ok := backoff.pause(attempt, random)
	if !ok {
		return time.Time{}, false
	}
	return now.Add(pause), true
}

// reset says which header says when a rate limit is over.
type reset struct {
	header string
	format resetFormat
}

func parseReset(strategy object) (*reset, error) {
	header, err := strategy.text("resetHeader")
	if err != nil {
		return nil, err
	}
	if header == "" {
		return nil, strategy.errorf("resetHeader", "is missing: name the header that says when to try again")
	}
	format, err := strategy.text("resetFormat")
	if err != nil {
		return nil, err
	}
	if format == "" {
		format = "unix_timestamp"
	}
	parse, ok := resetFormats[format]
	if !ok {
		return nil, strategy.errorf("resetFormat",
			"must be unix_timestamp, unix_timestamp_in_ms, iso_8601 or iso_8601_duration_openai_variant")
	}
	return &reset{header: header, format: parse}, nil
}

// retryAt returns when the rate limit of an answer is over, or false if the
// answer does not say so.
func (r *reset) retryAt(header http.Header, attempt int, now time.Time) (time.Time, bool) {
	pause, ok := r.format(header.Get(r.header), now)
	if !ok || attempt >= MaxAttempts {
		return time.Time{}, false
	}
	if pause <= 0 {
		return after(now, &forPastResets, attempt, 0)
	}
	return now.Add(min(pause, MaxPause)), true
}
