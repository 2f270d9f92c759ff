// Package quota bounds what callers without a key may have a server keep: requests to
// HTTP endpoints, webhooks and sources, which any caller with a URL can send.
//
// A URL takes so many requests per second (a token bucket). An environment has a
// budget of bytes of requests that wait for their app, and one of all that it keeps.
// What does not fit is refused with a [model.Busy] error that says which limit it is
// and when to try again; the log says so once a minute, with a sum.
//
// Admission writes nothing: the bytes of an environment are those in the database at
// some moment, and what this process has taken since. Each process may take a sixteenth
// of a budget, and a request under way, more than there is. It may be used
// concurrently.
package quota

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
)

// Unlimited stands for no limit.
const Unlimited = 0

// Config says what is taken. A limit that is [Unlimited] is none.
type Config struct {
	// PerSecond is how many requests a URL takes per second for long; at once it takes
	// ten times as many.
	PerSecond int
	// Waiting and Kept are budgets of an environment in bytes.
	Waiting, Kept int64
	// CountWaiting and CountKept return what there is, counting to most and little
	// further.
	CountWaiting, CountKept func(ctx context.Context, environmentID string, most int64) (int64, error)
	Clock                   clock.Clock
	Log                     *slog.Logger
}

const (
	// burst is how many seconds' worth of requests a URL takes at once.
	burst = 10
	// mostURLs bounds the token buckets; there are few URLs.
	mostURLs = 10_000
	// unseen is which part of the room that a count left may be filled before the next.
	unseen = 16
	// The least time between two counts, and from a refusal to another try.
	waitingEvery = time.Second
	keptEvery    = time.Minute
	again        = 5 * time.Second
)

// Quota admits requests.
type Quota struct {
	config  Config
	budgets []*budget

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	log     refusals
}

// New returns a quota of which nothing is used.
func New(config Config) *Quota {
	q := &Quota{config: config, buckets: map[string]*rate.Limiter{}, log: refusals{log: config.Log}}
	add := func(limit int64, every time.Duration, count func(context.Context, string, int64) (int64, error), what, setting string) {
		if limit != Unlimited {
			q.budgets = append(q.budgets, &budget{
				limit: limit, every: every, count: count, what: what, setting: setting, environments: map[string]*estimate{},
			})
		}
	}
	add(config.Waiting, waitingEvery, config.CountWaiting, "wait for its apps", "--max-waiting-requests, RUNHOOK_MAX_WAITING_REQUESTS")
	add(config.Kept, keptEvery, config.CountKept, "are kept", "--max-kept-requests, RUNHOOK_MAX_KEPT_REQUESTS")
	return q
}

// Knock asks whether a URL of an environment takes another request, before that is
// read: the error is [model.Busy] if it does not.
func (q *Quota) Knock(ctx context.Context, environment *model.Environment, url string) error {
	now := q.config.Clock.Now()
	if q.config.PerSecond != Unlimited {
		reservation := q.bucket(url).ReserveN(now, 1)
		if wait := reservation.DelayFrom(now); wait > 0 {
			reservation.CancelAt(now)
			return q.refuse(environment, now, now.Add(max(wait, time.Second)), "rate",
				fmt.Sprintf("This URL takes %d requests per second (--max-request-rate, RUNHOOK_MAX_REQUEST_RATE)", q.config.PerSecond))
		}
	}
	return q.Take(ctx, environment, 0)
}

// Take counts a request that is about to be kept, in bytes. The error is [model.Busy],
// and nothing is counted, if it does not fit.
func (q *Quota) Take(ctx context.Context, environment *model.Environment, bytes int64) error {
	now := q.config.Clock.Now()
	for i, b := range q.budgets {
		fits, err := b.take(ctx, environment.ID, bytes, now)
		if err == nil && fits {
			continue
		}
		for _, taken := range q.budgets[:i] {
			taken.give(environment.ID, bytes)
		}
		if err != nil {
			return err
		}
		return q.refuse(environment, now, now.Add(again), b.what,
			fmt.Sprintf("As many bytes of requests to %s %s as may (%s)", environment.Type, b.what, b.setting))
	}
	return nil
}

func (q *Quota) bucket(url string) *rate.Limiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	bucket := q.buckets[url]
	if bucket == nil {
		if len(q.buckets) >= mostURLs {
			clear(q.buckets)
		}
		bucket = rate.NewLimiter(rate.Limit(q.config.PerSecond), q.config.PerSecond*burst)
		q.buckets[url] = bucket
	}
	return bucket
}

// refuse returns a refusal, which is logged.
func (q *Quota) refuse(environment *model.Environment, now, until time.Time, limit, message string) error {
	q.log.note(environment, limit, message, now)
	return model.BusyUntil(until, "%s; try again later", message)
}

// budget is what each environment may have of one kind.
type budget struct {
	limit         int64
	every         time.Duration
	count         func(ctx context.Context, environmentID string, most int64) (int64, error)
	what, setting string

	mu           sync.Mutex
	environments map[string]*estimate
}

// estimate is what is known of an environment.
type estimate struct {
	countedAt time.Time
	counted   int64
	// added is what was taken here since it was counted.
	added    int64
	counting bool
}

func (b *budget) environment(id string) *estimate {
	e := b.environments[id]
	if e == nil {
		e = &estimate{}
		b.environments[id] = e
	}
	return e
}

// take counts bytes if they fit.
func (b *budget) take(ctx context.Context, id string, bytes int64, now time.Time) (fits bool, err error) {
	if b.stale(id, bytes, now) {
		if err := b.recount(ctx, id, now); err != nil {
			return false, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.environment(id)
	used := e.counted + e.added
	if used >= b.limit || used+bytes > b.limit && used > 0 {
		return false, nil
	}
	e.added += bytes
	return true, nil
}

func (b *budget) give(id string, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.environment(id).added -= bytes
}

// stale reports whether an environment must be counted now, which is then up to the
// caller.
func (b *budget) stale(id string, bytes int64, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.environment(id)
	known := !e.countedAt.IsZero()
	if e.counting || known && (now.Sub(e.countedAt) < b.every || (e.added+bytes)*unseen < b.limit-e.counted) {
		return false
	}
	e.counting = true
	return true
}

// recount counts what an environment has.
func (b *budget) recount(ctx context.Context, id string, now time.Time) error {
	b.mu.Lock()
	before := b.environment(id).added
	b.mu.Unlock()
	counted, err := b.count(ctx, id, b.limit)
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.environment(id)
	e.counting = false
	if err == nil {
		// What was taken meanwhile may be counted twice, until the next count.
		e.counted, e.countedAt, e.added = counted, now, e.added-before
	}
	return err
}

// refusals logs that requests were refused: at first, then once a minute with how many.
type refusals struct {
	log *slog.Logger

	mu     sync.Mutex
	limits map[string]*health.Reminder
}

func (r *refusals) note(environment *model.Environment, limit, message string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limits == nil {
		r.limits = map[string]*health.Reminder{}
	}
	key := environment.ID + " " + limit
	reminder := r.limits[key]
	if reminder == nil {
		reminder = &health.Reminder{}
		r.limits[key] = reminder
	}
	reminder.Add()
	if reminder.Due(now) {
		r.log.Warn("requests without a key are refused: "+message, "environment", environment.ID, "count", reminder.Logged(now))
	}
}
