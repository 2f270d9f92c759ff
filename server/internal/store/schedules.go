package store

import (
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const scheduleColumns = `schedules.id, schedules.environment_id, schedules.endpoint_id, schedules.kind, schedules.target_id, schedules.key,
	schedules.type, schedules.seconds, schedules.cron, schedules.metadata, schedules.account_id, schedules.active,
	schedules.last_tick_at, schedules.next_tick_at, schedules.created_at, schedules.updated_at`

// scheduleScan holds the destinations of scheduleColumns that need converting.
type scheduleScan struct {
	schedule          model.Schedule
	seconds           int64
	metadata, account *string
	last, next        *int64
	created, updated  int64
}

func (c *scheduleScan) destinations() []any {
	s := &c.schedule
	return []any{
		&s.ID, &s.EnvironmentID, &s.EndpointID, &s.Kind, &s.TargetID, &s.Key, &s.Type, &c.seconds, &s.Options.Cron, &c.metadata, &c.account,
		&s.Active, &c.last, &c.next, &c.created, &c.updated,
	}
}

func (c *scheduleScan) result() model.Schedule {
	s := c.schedule
	s.Options.Seconds = int(c.seconds)
	s.Metadata, s.AccountID = jsonOrNil(c.metadata), textOrEmpty(c.account)
	s.LastTick, s.NextTick = timeOrZero(c.last), timeOrZero(c.next)
	s.CreatedAt, s.UpdatedAt = timeOf(c.created), timeOf(c.updated)
	return s
}

func scanSchedule(rows database.Rows) (model.Schedule, error) {
	var c scheduleScan
	err := rows.Scan(c.destinations()...)
	return c.result(), err
}

// InsertSchedule records a schedule that is due at its next tick. It returns false,
// and changes nothing, when its target has one with its key.
func (tx *Tx) InsertSchedule(s model.Schedule) (bool, error) {
	changed, err := tx.conn.Exec(`
		INSERT INTO schedules (id, environment_id, endpoint_id, kind, target_id, key, type, seconds, cron, metadata, account_id,
		                       active, last_tick_at, next_tick_at, due_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16)
		ON CONFLICT (environment_id, target_id, key) DO NOTHING`,
		s.ID, s.EnvironmentID, s.EndpointID, string(s.Kind), s.TargetID, s.Key, string(s.Type), s.Options.Seconds, s.Options.Cron,
		jsonOrNull(s.Metadata), textOrNull(s.AccountID), s.Active, microsOrNull(s.LastTick), microsOrNull(s.NextTick),
		micros(s.CreatedAt), micros(tx.now))
	return changed > 0, err
}

// LockSchedule returns the schedule of a target with the key, and keeps others from
// changing it until the transaction ends.
func (tx *Tx) LockSchedule(environmentID, targetID, key string) (model.Schedule, bool, error) {
	return first(tx, `SELECT `+scheduleColumns+` FROM schedules
		WHERE schedules.environment_id = $1 AND schedules.target_id = $2 AND schedules.key = $3`+tx.conn.Dialect().ForUpdate,
		[]any{environmentID, targetID, key}, scanSchedule)
}

// ChangeSchedule makes a schedule that is locked what is given, active and due at
// its next tick. A tick that is being started is lost.
func (tx *Tx) ChangeSchedule(s model.Schedule) error {
	return tx.conn.Queue(`
		UPDATE schedules
		SET endpoint_id = $1, type = $2, seconds = $3, cron = $4, metadata = $5, account_id = $6,
		    active = TRUE, next_tick_at = $7, due_at = $7, lease_owner = NULL, failures = 0, updated_at = $8
		WHERE id = $9`,
		[]any{s.EndpointID, string(s.Type), s.Options.Seconds, s.Options.Cron, jsonOrNull(s.Metadata), textOrNull(s.AccountID),
			microsOrNull(s.NextTick), micros(tx.now), s.ID}, nil)
}

// DescribeSchedule changes what a schedule says besides when it ticks.
func (tx *Tx) DescribeSchedule(s model.Schedule) error {
	return tx.conn.Queue(`UPDATE schedules SET endpoint_id = $1, metadata = $2, account_id = $3, updated_at = $4 WHERE id = $5`,
		[]any{s.EndpointID, jsonOrNull(s.Metadata), textOrNull(s.AccountID), micros(tx.now), s.ID}, nil)
}

// DeactivateSchedule has the schedule of a target with the key tick no more. It
// returns false if there is none; one that does not tick stays as it is.
func (tx *Tx) DeactivateSchedule(environmentID, targetID, key string) (bool, error) {
	changed, err := tx.conn.Exec(`
		UPDATE schedules
		SET updated_at = CASE WHEN active THEN $1 ELSE updated_at END, active = FALSE, next_tick_at = NULL, due_at = NULL, lease_owner = NULL
		WHERE environment_id = $2 AND target_id = $3 AND key = $4`,
		micros(tx.now), environmentID, targetID, key)
	return changed > 0, err
}

// DeleteSchedule removes the schedule of a target with the key, if there is one.
func (tx *Tx) DeleteSchedule(environmentID, targetID, key string) error {
	return tx.conn.Queue(`DELETE FROM schedules WHERE environment_id = $1 AND target_id = $2 AND key = $3`,
		[]any{environmentID, targetID, key}, nil)
}

// PauseSchedules has the schedules of a target not tick until they are resumed.
func (tx *Tx) PauseSchedules(environmentID, targetID string) error {
	return tx.conn.Queue(`
		UPDATE schedules SET next_tick_at = NULL, due_at = NULL, lease_owner = NULL
		WHERE environment_id = $1 AND target_id = $2 AND (due_at IS NOT NULL OR lease_owner IS NOT NULL)`,
		[]any{environmentID, targetID}, nil)
}

// ResumeSchedules has the schedules of a target that are paused tick again: they
// are due at once, to be given a next tick.
func (tx *Tx) ResumeSchedules(environmentID, targetID string) error {
	return tx.conn.Queue(`
		UPDATE schedules SET due_at = $1
		WHERE environment_id = $2 AND target_id = $3 AND active AND due_at IS NULL AND lease_owner IS NULL`,
		[]any{micros(tx.now), environmentID, targetID}, nil)
}

// SkipTicksOfEndpoint has the schedules of an endpoint that are paused tick again,
// and those whose tick has come miss it: they are due at once, to be given a next
// tick. It leaves out those of dynamic schedules that the app does not have.
func (tx *Tx) SkipTicksOfEndpoint(endpointID string) error {
	return tx.skipTicks(`endpoint_id = $2`, endpointID)
}

// SkipTicksOfEnvironment is SkipTicksOfEndpoint for all of an environment.
func (tx *Tx) SkipTicksOfEnvironment(environmentID string) error {
	return tx.skipTicks(`environment_id = $2`, environmentID)
}

func (tx *Tx) skipTicks(of, id string) error {
	return tx.conn.Queue(`
		UPDATE schedules SET next_tick_at = NULL, due_at = $1, lease_owner = NULL
		WHERE `+of+` AND active AND (due_at IS NULL OR due_at <= $1)
		  AND NOT EXISTS (SELECT 1 FROM dynamic_schedules d WHERE d.id = target_id AND NOT d.active)`,
		[]any{micros(tx.now), id}, nil)
}

// JobVersionsOfSchedule returns the versions that a tick of a schedule starts, in
// the order of the jobs' ids. Jobs that are disabled are left out.
func (tx *Tx) JobVersionsOfSchedule(s model.Schedule) ([]JobVersion, error) {
	of := `v.job_id = $2`
	if s.Kind == model.ScheduleDynamic {
		of = `v.job_id IN (SELECT job_id FROM dynamic_schedule_jobs WHERE dynamic_schedule_id = $2)`
	}
	return collect(tx, jobVersionQuery+`WHERE v.environment_id = $1 AND `+of+`
		AND v.latest AND v.status = '`+string(model.JobActive)+`' ORDER BY v.job_id`,
		[]any{s.EnvironmentID, s.TargetID}, scanJobVersion)
}
