package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/fairness"
	"github.com/runhook/runhook/server/internal/store/database"
)

// PassedOver says whose due runs are not to be claimed.
type PassedOver struct {
	// Environments and Endpoints are those none of whose runs are claimed.
	Environments, Endpoints []string
	// SmallOnly are the environments of whose runs only the small ones are claimed,
	// and AllSmallOnly has it so for all. A run is small that has at most SmallBytes
	// bytes to load.
	SmallOnly    []string
	AllSmallOnly bool
	SmallBytes   int64
}

// none reports whether nobody is passed over.
func (p PassedOver) none() bool {
	return len(p.Environments) == 0 && len(p.Endpoints) == 0 && len(p.SmallOnly) == 0 && !p.AllSmallOnly
}

// Turns are whose runs were claimed last. It is for one goroutine.
type Turns struct {
	environment string
	// endpoints are the last ones by environment.
	endpoints map[string]string
}

// Claimed records that a run was claimed.
func (t *Turns) Claimed(run DueRun) {
	if t.endpoints == nil {
		t.endpoints = map[string]string{}
	}
	t.environment, t.endpoints[run.EnvironmentID] = run.EnvironmentID, run.EndpointID
}

// Clone returns a copy.
func (t *Turns) Clone() Turns { return Turns{t.environment, maps.Clone(t.endpoints)} }

// after returns sorted names so that they begin with the first that follows a name.
func after(sorted []string, name string) []string {
	i, found := slices.BinarySearch(sorted, name)
	if found {
		i++
	}
	return slices.Concat(sorted[i:], sorted[:i])
}

// DueRun is a run that is due and may be claimed.
type DueRun struct {
	ID, EnvironmentID, EndpointID string
	// Bytes is how many bytes of texts are loaded with the run.
	Bytes    int64
	limitKey string
}

// executionBytes is an expression of how many bytes of texts executionQuery loads of a
// run of the table runs. Neither engine loads them to know that.
var executionBytes = bytesOf("runs.output", "runs.yielded_executions", "runs.not_asked") + `
	+ COALESCE((SELECT ` + bytesOf("e.payload", "e.context", "e.source_context") + ` FROM events e WHERE e.id = runs.event_id), 0)
	+ COALESCE((SELECT ` + bytesOf("a.metadata") + ` FROM accounts a WHERE a.id = runs.account_id), 0)`

// HaveDueRuns returns those of the environments that have runs which are due, now or
// later.
func (tx *Tx) HaveDueRuns(environments []string) (have []string, err error) {
	for _, environment := range environments {
		_, found, err := first(tx, `
			SELECT environment_id FROM runs WHERE `+mayBeLeased+` AND environment_id = $1 ORDER BY environment_id, endpoint_id LIMIT 1`, []any{environment}, scanString)
		if err != nil {
			return nil, err
		}
		if found {
			have = append(have, environment)
		}
	}
	return have, nil
}

// dueRunsBut locks up to limit due runs. Where somebody is passed over or turns are
// given, the environments get equal parts of the limit, and in each of them its
// endpoints; otherwise the runs are those that are due longest.
func (tx *Tx) dueRunsBut(passed PassedOver, turns *Turns, limit int) (due []DueRun, err error) {
	if passed.none() && turns == nil {
		return tx.dueRuns(dueOf{}, limit)
	}
	environments, err := tx.dueBut(passed, turns)
	if err != nil {
		return nil, err
	}
	fairness.Divide(limit, len(environments), func(i, part int) int {
		endpoints := environments[i]
		return fairness.Divide(part, len(endpoints), func(j, part int) int {
			var runs []DueRun
			if err == nil {
				runs, err = tx.dueRuns(endpoints[j], part)
				due = append(due, runs...)
			}
			return len(runs)
		})
	})
	return due, err
}

// dueOf says whose runs are looked for; the zero value is for everybody's.
type dueOf struct {
	environment, endpoint string
	// smallOnly looks only for runs with at most so many bytes to load.
	smallOnly  bool
	smallBytes int64
}

// condition returns the condition that a run must meet, with more arguments.
func (of dueOf) condition(args ...any) (string, []any) {
	condition := ""
	add := func(term string, arg any) {
		args = append(args, arg)
		condition += fmt.Sprintf(` AND `+term, len(args))
	}
	if of.endpoint != "" {
		add(`environment_id = $%d`, of.environment)
		add(`endpoint_id = $%d`, of.endpoint)
	}
	if of.smallOnly {
		add(executionBytes+` <= $%d`, of.smallBytes)
	}
	return condition, args
}

// dueBut returns the endpoints that have runs with a due time, by environment, but
// those that are passed over.
func (tx *Tx) dueBut(passed PassedOver, turns *Turns) (others [][]dueOf, err error) {
	turns = cmp.Or(turns, &Turns{})
	environments, err := tx.distinct("runs", "environment_id", waiting)
	if err != nil {
		return nil, err
	}
	for _, environment := range after(environments, turns.environment) {
		if slices.Contains(passed.Environments, environment) {
			continue
		}
		endpoints, err := tx.distinct("runs", "endpoint_id", waiting+` AND environment_id = $1`, environment)
		if err != nil {
			return nil, err
		}
		smallOnly := passed.AllSmallOnly || slices.Contains(passed.SmallOnly, environment)
		var of []dueOf
		for _, endpoint := range after(endpoints, turns.endpoints[environment]) {
			if !slices.Contains(passed.Endpoints, endpoint) {
				of = append(of, dueOf{environment, endpoint, smallOnly, passed.SmallBytes})
			}
		}
		if len(of) > 0 {
			others = append(others, of)
		}
	}
	return others, nil
}

// dueRuns locks up to limit due runs: those that resume before those that start, and
// the oldest first.
func (tx *Tx) dueRuns(of dueOf, limit int) ([]DueRun, error) {
	due, err := tx.dueRunsAt(of, 0, limit)
	if err != nil {
		return nil, err
	}
	starting, err := tx.dueRunsAt(of, 1, limit-len(due))
	return append(due, starting...), err
}

func (tx *Tx) dueRunsAt(of dueOf, priority, limit int) ([]DueRun, error) {
	if limit <= 0 {
		return nil, nil
	}
	condition, args := of.condition(priority, micros(tx.now), limit)
	return collect(tx, `
		SELECT id, environment_id, endpoint_id, limit_key, `+executionBytes+` FROM runs
		WHERE `+mayBeLeased+` AND priority = $1 AND due_at <= $2`+condition+`
		ORDER BY due_at, id LIMIT $3`+tx.conn.Dialect().SkipLocked, args, func(rows database.Rows) (r DueRun, err error) {
		var key *string
		err = rows.Scan(&r.ID, &r.EnvironmentID, &r.EndpointID, &key, &r.Bytes)
		r.limitKey = textOrEmpty(key)
		return r, err
	})
}

// NextDueRun returns when the next run that nobody has leased is due, or the
// zero time if none is.
func (tx *Tx) NextDueRun() (time.Time, error) { return tx.nextDueRun(dueOf{}) }

// NextDueRunBut is NextDueRun for those that are not passed over.
func (tx *Tx) NextDueRunBut(passed PassedOver) (next time.Time, err error) {
	if passed.none() {
		return tx.NextDueRun()
	}
	others, err := tx.dueBut(passed, nil)
	if err != nil {
		return next, err
	}
	for _, endpoint := range slices.Concat(others...) {
		due, err := tx.nextDueRun(endpoint)
		if err != nil {
			return next, err
		}
		next = earlier(next, due)
	}
	return next, nil
}

// nextDueRun returns when the next run is due.
func (tx *Tx) nextDueRun(of dueOf) (next time.Time, err error) {
	condition, args := of.condition()
	for priority := range 2 {
		due, err := tx.nextDue(fmt.Sprintf(`
			SELECT due_at FROM runs WHERE %s AND priority = %d%s ORDER BY due_at LIMIT 1`, mayBeLeased, priority, condition), args...)
		if err != nil {
			return next, err
		}
		next = earlier(next, due)
	}
	return next, nil
}
