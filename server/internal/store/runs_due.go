package store

import (
	"slices"

	"github.com/runhook/runhook/server/internal/store/database"
)

// PassedOver are the environments and endpoints whose runs are not to be claimed.
type PassedOver struct{ Environments, Endpoints []string }

// none reports whether nobody is passed over.
func (p PassedOver) none() bool { return len(p.Environments) == 0 && len(p.Endpoints) == 0 }

// dueRunsBut locks up to limit due runs, of which the environments that are not
// passed over get equal parts, and in each of them its endpoints.
func (tx *Tx) dueRunsBut(passed PassedOver, limit int) (due []dueRun, err error) {
	if passed.none() {
		return tx.dueRuns(dueOf{}, limit)
	}
	environments, err := tx.dueBut(passed)
	if err != nil {
		return nil, err
	}
	for i, endpoints := range environments {
		left := max(1, (limit-len(due))/(len(environments)-i))
		for j, endpoint := range endpoints {
			part := max(1, left/(len(endpoints)-j))
			if left <= 0 || len(due) == limit {
				break
			}
			runs, err := tx.dueRuns(endpoint, part)
			if err != nil {
				return nil, err
			}
			due, left = append(due, runs...), left-len(runs)
		}
	}
	return due, nil
}

// dueOf says whose runs are looked for; the zero value is for everybody's.
type dueOf struct{ environment, endpoint string }

// dueBut returns the endpoints that have runs with a due time, by environment, but
// those that are passed over. Each environment and endpoint costs one look into an
// index, however many runs it has.
func (tx *Tx) dueBut(passed PassedOver) (others [][]dueOf, err error) {
	for environment := ""; ; {
		next, found, err := first(tx, `
			SELECT environment_id FROM runs
			WHERE `+mayBeLeased+` AND environment_id > $1 ORDER BY environment_id LIMIT 1`, []any{environment}, scanString)
		if err != nil || !found {
			return others, err
		}
		if environment = next; slices.Contains(passed.Environments, environment) {
			continue
		}
		endpoints, err := tx.dueEndpointsBut(environment, passed.Endpoints)
		if err != nil {
			return others, err
		}
		if len(endpoints) > 0 {
			others = append(others, endpoints)
		}
	}
}

func (tx *Tx) dueEndpointsBut(environment string, passed []string) (others []dueOf, err error) {
	for last := ""; ; {
		next, found, err := first(tx, `
			SELECT endpoint_id FROM runs
			WHERE `+mayBeLeased+` AND environment_id = $1 AND endpoint_id > $2 ORDER BY environment_id, endpoint_id LIMIT 1`,
			[]any{environment, last}, scanString)
		if err != nil || !found {
			return others, err
		}
		if last = next; !slices.Contains(passed, next) {
			others = append(others, dueOf{environment, next})
		}
	}
}

// dueRuns locks up to limit due runs: those that go on before those that start, and
// the oldest first.
func (tx *Tx) dueRuns(of dueOf, limit int) ([]dueRun, error) {
	due, err := tx.dueRunsAt(of, 0, limit)
	if err != nil {
		return nil, err
	}
	starting, err := tx.dueRunsAt(of, 1, limit-len(due))
	return append(due, starting...), err
}

func (tx *Tx) dueRunsAt(of dueOf, priority, limit int) ([]dueRun, error) {
	if limit <= 0 {
		return nil, nil
	}
	args := []any{priority, micros(tx.now), limit}
	condition := ""
	if of != (dueOf{}) {
		condition = " AND environment_id = $4 AND endpoint_id = $5"
		args = append(args, of.environment, of.endpoint)
	}
	return collect(tx, `
		SELECT id, limit_key FROM runs
		WHERE `+mayBeLeased+` AND priority = $1 AND due_at <= $2`+condition+`
		ORDER BY due_at, id LIMIT $3`+tx.conn.Dialect().SkipLocked, args, func(rows database.Rows) (r dueRun, err error) {
		var key *string
		err = rows.Scan(&r.id, &key)
		r.limitKey = textOrEmpty(key)
		return r, err
	})
}
