package store_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

// fillNow is the time, in microseconds, at which a filled database stands.
const fillNow = 1_800_000_000_000_000

// fillStatements make a PostgreSQL database of one busy environment with the
// history of many runs. $rows is how many; all but the newest thousand or so have
// ended.
var fillStatements = []string{
	`INSERT INTO organizations VALUES ('org_0', 'org', 'Org', 1000, 0, 0)`,
	`INSERT INTO projects VALUES ('proj_0', 'org_0', 'project', 'Project', 0, 0)`,
	`INSERT INTO environments VALUES ('env_0', 'proj_0', 'dev', 'DEVELOPMENT', 'a', 'b', 'c', 'd', 0, 0)`,
	`INSERT INTO endpoints VALUES ('endpoint_0', 'env_0', 'app', 'http://127.0.0.1:9', 'hook', '1', '1', 1000, 0, 0)`,
	`INSERT INTO endpoints VALUES ('endpoint_1', 'env_0', 'other', 'http://127.0.0.1:9', 'hook', '1', '1', 1000, 0, 0)`,
	`INSERT INTO jobs SELECT 'job_' || i, 'proj_0', 'job-' || i, 0, 0 FROM generate_series(0, 19) i`,
	`INSERT INTO job_versions (id, environment_id, job_id, endpoint_id, version, status, latest, specification, created_at, updated_at)
	 SELECT 'version_' || i, 'env_0', 'job_' || i, 'endpoint_0', '1.0.0', 'ACTIVE', TRUE, '{}', 0, 0 FROM generate_series(0, 19) i`,
	`INSERT INTO concurrency_limits VALUES ('limit_0', 'env_0', 1)`,
	`INSERT INTO endpoint_indexes (id, environment_id, endpoint_id, source, status, created_at, updated_at)
	 SELECT 'index_' || i, 'env_0', 'endpoint_0', 'INTERNAL', 'SUCCESS', 0, 0 FROM generate_series(1, $rows / 10) i`,
	`INSERT INTO endpoint_indexes (id, environment_id, endpoint_id, source, status, due_at, created_at, updated_at)
	 SELECT 'ordered_' || i, 'env_0', 'endpoint_0', 'INTERNAL', 'PENDING', $now + i, 0, 0 FROM generate_series(1, 1000) i`,
	`INSERT INTO accounts (id, environment_id, identifier, created_at, updated_at)
	 SELECT 'account_' || i, 'env_0', 'customer-' || i, 0, 0 FROM generate_series(1, $rows / 10) i`,
	`INSERT INTO events (id, environment_id, event_id, name, source, payload, context, is_test, internal, timestamp, deliver_at, created_at, updated_at)
	 SELECT 'event_' || i, 'env_0', 'key-' || i, 'invoke', 'trigger.dev', '{}', '{}', FALSE, TRUE, $now, $now, $now, $now
	 FROM generate_series(1, $rows) i`,
	`INSERT INTO runs (id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, internal,
	                   priority, due_at, lease_owner, limit_key, parked, created_at, updated_at, completed_at)
	 SELECT 'run_' || i, 'env_0', 'job_' || i % 20, 'version_' || i % 20, 'endpoint_0', 'event_' || i,
	        CASE WHEN i <= $rows - 1000 THEN 'SUCCESS' WHEN i % 4 = 0 THEN 'EXECUTING' WHEN i % 4 = 1 THEN 'QUEUED' ELSE 'WAITING_TO_EXECUTE' END,
	        FALSE, FALSE, i % 2,
	        CASE WHEN i > $rows - 1000 AND i % 4 IN (1, 2) THEN $now - i END,
	        CASE WHEN i > $rows - 1000 AND i % 4 = 0 THEN 'node_' || i % 3 END,
	        CASE WHEN i % 10 = 0 THEN 'limit_' || i % 7 END,
	        i > $rows - 1000 AND i % 4 = 3, $now, $now, CASE WHEN i <= $rows - 1000 THEN $now END
	 FROM generate_series(1, $rows) i`,
	`INSERT INTO tasks (id, environment_id, run_id, parent_id, idempotency_key, name, status, noop, child_execution_mode, attempts, due_at, started_at)
	 SELECT 'task_' || i, 'env_0', 'run_' || (i + 1) / 2, CASE WHEN i % 2 = 1 THEN 'task_' || i - 1 END, 'key-' || i, 'Task',
	        CASE WHEN i <= 2 * $rows - 500 THEN 'COMPLETED' ELSE 'WAITING' END, FALSE, 'SEQUENTIAL', 1,
	        CASE WHEN i > 2 * $rows - 500 THEN $now + i END, $now
	 FROM generate_series(1, 2 * $rows) i`,
	`INSERT INTO tasks (id, environment_id, run_id, idempotency_key, name, status, noop, child_execution_mode, attempts, operation, operation_at, started_at)
	 SELECT 'operation_' || i, 'env_' || i % 3, 'run_' || $rows, 'operation-' || i, 'Task', 'RUNNING', FALSE, 'SEQUENTIAL', 1, 'fetch', $now + i, $now
	 FROM generate_series(1, 1000) i`,
	`INSERT INTO task_attempts SELECT 'task_' || i, 1, '{}', 0, 0 FROM generate_series(1, $rows) i`,
	`INSERT INTO run_statuses (run_id, key, position, label, history, created_at, updated_at)
	 SELECT 'run_' || i, 'key', 0, 'Label', '[]', 0, 0 FROM generate_series(1, $rows) i`,
	`INSERT INTO notification_bodies (id, body) SELECT 'ntf_' || i, '{}' FROM generate_series(1, $rows) i`,
	`INSERT INTO notifications (id, environment_id, run_id, url, status, run_status, body_id, due_at, lease_owner, created_at, updated_at)
	 SELECT 'ntf_' || i, 'env_0', 'run_' || i, 'http://127.0.0.1:9',
	        CASE WHEN i <= $rows - 1000 THEN 'DELIVERED' WHEN i % 3 = 0 THEN 'EXHAUSTED' ELSE 'PENDING' END, 'SUCCESS', 'ntf_' || i,
	        CASE WHEN i > $rows - 1000 AND i % 3 = 1 THEN $now + i END,
	        CASE WHEN i > $rows - 1000 AND i % 3 = 2 THEN 'node_' || i % 3 END, $now, $now
	 FROM generate_series(1, $rows) i`,
	`INSERT INTO notification_attempts (notification_id, number, cause, started_at, duration_ms)
	 SELECT 'ntf_' || i, 1, 'schedule', 0, 0 FROM generate_series(1, $rows) i`,
	// Three of many dispatchers listen for the same event.
	`INSERT INTO dispatchers (id, environment_id, kind, target_id, enabled, created_at, updated_at)
	 SELECT 'dispatcher_' || i, 'env_0', 'JOB', 'job_' || i, TRUE, 0, 0 FROM generate_series(1, 10000) i`,
	`INSERT INTO dispatcher_events (environment_id, name, source, target_id, dispatcher_id)
	 SELECT 'env_0', CASE WHEN i <= 3 THEN 'sent' ELSE 'event-' || i END, 'trigger.dev', 'job_' || i, 'dispatcher_' || i
	 FROM generate_series(1, 10000) i`,
	// Dynamic schedules with many keys each; some of those are worked on, few paused.
	`INSERT INTO dynamic_schedules SELECT 'dynamic_' || i, 'env_0', 'endpoint_0', 'dynamic-' || i, TRUE, 0, 0 FROM generate_series(0, 99) i`,
	`INSERT INTO dynamic_schedule_jobs VALUES ('dynamic_0', 'job_7')`,
	`INSERT INTO schedules (id, environment_id, endpoint_id, kind, target_id, key, type, seconds, cron, active, next_tick_at, due_at, lease_owner, created_at, updated_at)
	 SELECT 'schedule_' || i, 'env_0', CASE WHEN i % 100 = 7 THEN 'endpoint_0' ELSE 'endpoint_1' END, 'DYNAMIC', 'dynamic_' || i % 100, 'key-' || i, 'interval', 60, '', TRUE, $now + i,
	        CASE WHEN i % 97 > 1 THEN $now + i END, CASE WHEN i % 97 = 0 THEN 'node_' || i % 3 END, 0, 0
	 FROM generate_series(1, 10000) i`,
	`INSERT INTO source_queues SELECT 'webhook_' || i, 'env_0', 1000 FROM generate_series(1, $rows) i`,
	`INSERT INTO source_deliveries (id, environment_id, kind, source_id, number, status, url, method, headers, body, due_at, lease_owner, created_at, updated_at)
	 SELECT 'delivery_' || i, 'env_0', 'WEBHOOK', 'webhook_' || i % ($rows / 1000), i, CASE WHEN i <= $rows - 100 THEN 'DELIVERED' ELSE 'PENDING' END,
	        'http://127.0.0.1:9', 'POST', '{}', '', CASE WHEN i > $rows - 20 THEN $now + i END, CASE WHEN i BETWEEN $rows - 40 AND $rows - 20 THEN 'node_' || i % 3 END, $now, $now
	 FROM generate_series(1, $rows) i`,
	`INSERT INTO event_waits (id, url, run_id, due_at)
	 SELECT 'dispatcher_' || i, 'http://app/' || i, 'run_' || i, $now + i FROM generate_series(1, 10000) i`,
	`INSERT INTO dynamic_triggers VALUES ('dyntrigger_0', 'env_0', 'endpoint_0', 'issues', TRUE, 0, 0)`,
	`INSERT INTO trigger_sources (id, environment_id, endpoint_id, key, channel, integration, params, options, registered_options, secret_encrypted,
	                              dynamic_trigger_id, listed, active, created_at, updated_at)
	 SELECT 'source_' || i, 'env_0', 'endpoint_0', 'source ' || i, 'HTTP', 'github', '{}', '{}', '{}', '', 'dyntrigger_0', TRUE, TRUE, 0, 0
	 FROM generate_series(1, 10000) i`,
	`INSERT INTO key_values (environment_id, name, value, created_at, updated_at)
	 SELECT 'env_0', 'key ' || i, '1', 0, 0 FROM generate_series(1, 10000) i`,
}

// fill makes a database large.
func fill(t testing.TB, db database.DB, rows int) {
	t.Helper()
	values := strings.NewReplacer("$rows", fmt.Sprint(rows), "$now", fmt.Sprint(fillNow))
	for _, query := range fillStatements {
		err := db.Update(t.Context(), func(c database.Conn) error {
			_, err := c.Exec(values.Replace(query))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// VACUUM too, so that a plan does not depend on whether the server has come
	// round to it by itself. It cannot run in a transaction.
	handle, err := db.OpenSQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	if _, err := handle.ExecContext(t.Context(), "VACUUM ANALYZE"); err != nil {
		t.Fatal(err)
	}
}

// typicalIDs are rows of a filled database, by what ids of their kind look like.
var typicalIDs = []struct {
	pattern *regexp.Regexp
	id      string
}{
	{regexp.MustCompile(`^env_`), "env_0"},
	{regexp.MustCompile(`^proj_`), "proj_0"},
	{regexp.MustCompile(`^endpoint_`), "endpoint_0"},
	{regexp.MustCompile(`^job_`), "job_7"},
	{regexp.MustCompile(`^version_`), "version_7"},
	{regexp.MustCompile(`^event_`), "event_7007"},
	{regexp.MustCompile(`^key-`), "key-7007"},
	{regexp.MustCompile(`^run_`), "run_7007"},
	{regexp.MustCompile(`^ntf_`), "ntf_7007"},
	{regexp.MustCompile(`^account_`), "account_707"},
	{regexp.MustCompile(`^node_`), "node_0"},
	{regexp.MustCompile(`^dispatcher_`), "dispatcher_7007"},
	{regexp.MustCompile(`^schedule_`), "schedule_7007"},
	{regexp.MustCompile(`^dynamic_`), "dynamic_1"},
	{regexp.MustCompile(`^webhook_`), "webhook_7"},
	{regexp.MustCompile(`^delivery_`), "delivery_7007"},
	{regexp.MustCompile(`^limit$`), "limit_0"},
	{regexp.MustCompile(`^fulfil-order$`), "job-7"},
	{regexp.MustCompile(`^[0-9a-z]{26}$`), "task_7007"},
}

// typical returns what stands for an argument in a filled database: the plan of a
// statement depends on how many rows it is likely to find.
func typical(arg any) any {
	switch arg := arg.(type) {
	case string:
		for _, known := range typicalIDs {
			if known.pattern.MatchString(arg) {
				return known.id
			}
		}
	case int64:
		const in2020 = 1_577_836_800_000_000
		if arg > in2020 {
			return int64(fillNow)
		}
	}
	return arg
}
