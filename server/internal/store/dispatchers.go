package store

import (
	"slices"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const dispatcherColumns = `d.id, d.environment_id, d.kind, d.target_id, d.payload_filter, d.context_filter, d.account_id, d.enabled`

func scanDispatcher(rows database.Rows) (model.Dispatcher, error) {
	var d model.Dispatcher
	var payload, context, account *string
	err := rows.Scan(&d.ID, &d.EnvironmentID, &d.Kind, &d.TargetID, &payload, &context, &account, &d.Enabled)
	d.PayloadFilter, d.ContextFilter, d.AccountID = jsonOrNil(payload), jsonOrNil(context), textOrEmpty(account)
	return d, err
}

// SaveDispatcher makes the dispatcher of a target what is given, with the id that
// it has or, if there is none, the given one.
func (tx *Tx) SaveDispatcher(d model.Dispatcher) error {
	id, _, err := first(tx, `
		INSERT INTO dispatchers (id, environment_id, kind, target_id, payload_filter, context_filter, account_id, enabled, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
		ON CONFLICT (environment_id, target_id) DO UPDATE SET
			kind = excluded.kind, payload_filter = excluded.payload_filter, context_filter = excluded.context_filter,
			account_id = excluded.account_id, enabled = excluded.enabled, updated_at = excluded.updated_at
		RETURNING id`,
		[]any{d.ID, d.EnvironmentID, string(d.Kind), d.TargetID, jsonOrNull(d.PayloadFilter), jsonOrNull(d.ContextFilter),
			textOrNull(d.AccountID), d.Enabled, micros(tx.now)}, scanString)
	if err != nil {
		return err
	}
	if err := tx.conn.Queue(`DELETE FROM dispatcher_events WHERE dispatcher_id = $1`, []any{id}, nil); err != nil {
		return err
	}
	for _, name := range d.Names {
		// A name that is given twice is one.
		if err := tx.conn.Queue(`
			INSERT INTO dispatcher_events (environment_id, name, source, target_id, dispatcher_id) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, []any{d.EnvironmentID, name, d.Source, d.TargetID, id}, nil); err != nil {
			return err
		}
	}
	return nil
}

// DisableDispatcher has the dispatcher of a target, if there is one, match
// nothing until it is saved again.
func (tx *Tx) DisableDispatcher(environmentID, targetID string) error {
	return tx.conn.Queue(`
		UPDATE dispatchers SET enabled = FALSE, updated_at = $1 WHERE environment_id = $2 AND target_id = $3 AND enabled`,
		[]any{micros(tx.now), environmentID, targetID}, nil)
}

// DeleteDispatcher removes the dispatcher of a target, if there is one.
func (tx *Tx) DeleteDispatcher(environmentID, targetID string) error {
	return tx.conn.Queue(`DELETE FROM dispatchers WHERE environment_id = $1 AND target_id = $2`,
		[]any{environmentID, targetID}, nil)
}

// Dispatcher returns the dispatcher of a target, with its names sorted.
func (tx *Tx) Dispatcher(environmentID, targetID string) (model.Dispatcher, bool, error) {
	d, found, err := first(tx, `SELECT `+dispatcherColumns+` FROM dispatchers d WHERE d.environment_id = $1 AND d.target_id = $2`,
		[]any{environmentID, targetID}, scanDispatcher)
	if err != nil || !found {
		return d, false, err
	}
	d.Names, err = collect(tx, `SELECT name, source FROM dispatcher_events WHERE dispatcher_id = $1`,
		[]any{d.ID}, func(rows database.Rows) (name string, err error) {
			err = rows.Scan(&name, &d.Source)
			return name, err
		})
	slices.Sort(d.Names)
	return d, true, err
}

// Listeners returns up to limit dispatchers of an environment that are enabled
// and listen for events of a name and source, in the order of their targets and
// after the given target; empty for the first. Their names are left out.
func (tx *Tx) Listeners(environmentID, name, source, after string, limit int) ([]model.Dispatcher, error) {
	listeners, err := collect(tx, listenersQuery, []any{environmentID, name, source, after, limit}, scanDispatcher)
	for i := range listeners {
		listeners[i].Source = source
	}
	return listeners, err
}

// ListenedNames returns those of some names of events that an enabled dispatcher of an
// environment listens for, with a source.
func (tx *Tx) ListenedNames(environmentID, source string, names []string) ([]string, error) {
	return collect(tx, `
		SELECT DISTINCT e.name FROM dispatcher_events e JOIN dispatchers d ON d.id = e.dispatcher_id
		WHERE e.environment_id = $1 AND e.source = $2 AND e.name `+tx.conn.Dialect().InList("$3")+` AND d.enabled`,
		[]any{environmentID, source, jsonList(names)}, scanString)
}

const listenersQuery = `
SELECT ` + dispatcherColumns + ` FROM dispatcher_events e
JOIN dispatchers d ON d.id = e.dispatcher_id
WHERE e.environment_id = $1 AND e.name = $2 AND e.source = $3 AND e.target_id > $4 AND d.enabled
ORDER BY e.target_id LIMIT $5`

// JobVersionsToStart returns the versions that new runs take of the jobs that
// dispatchers start, in the order of the jobs' ids. Dispatchers and jobs that were
// disabled are left out.
func (tx *Tx) JobVersionsToStart(dispatcherIDs []string) ([]JobVersion, error) {
	if len(dispatcherIDs) == 0 {
		return nil, nil
	}
	return collect(tx, jobVersionQuery+`
		JOIN dispatchers d ON d.target_id = v.job_id AND d.environment_id = v.environment_id
		WHERE d.id `+tx.conn.Dialect().InList("$1")+` AND d.kind = '`+string(model.DispatchJob)+`' AND d.enabled
		  AND v.latest AND v.status = '`+string(model.JobActive)+`'
		ORDER BY d.target_id`, []any{jsonList(dispatcherIDs)}, scanJobVersion)
}

// LatestSpecification returns how the app describes the version of a job that new
// runs take, and whether that takes any.
func (tx *Tx) LatestSpecification(environmentID, jobID string) (specification []byte, status model.JobVersionStatus, found bool, err error) {
	type described struct {
		specification string
		status        model.JobVersionStatus
	}
	d, found, err := first(tx, `SELECT specification, status FROM job_versions WHERE job_id = $1 AND environment_id = $2 AND latest`,
		[]any{jobID, environmentID}, func(rows database.Rows) (d described, err error) {
			err = rows.Scan(&d.specification, &d.status)
			return d, err
		})
	return []byte(d.specification), d.status, found, err
}
