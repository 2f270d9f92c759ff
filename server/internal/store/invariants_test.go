package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// healthyStatements make rows for which every invariant holds, in the words of both
// engines. Run run_0 ended an hour after 1970 began; what the subscriptions are named
// by says why they must know of it, or need not.
var healthyStatements = []string{
	`INSERT INTO nodes (id, expires_at) VALUES ('node_0', 1)`,
	`INSERT INTO organizations VALUES ('org_0', 'org', 'Org', 1000, 0, 0)`,
	`INSERT INTO projects VALUES ('proj_0', 'org_0', 'project', 'Project', 0, 0)`,
	`INSERT INTO environments (id, project_id, slug, type, api_key_hash, api_key_encrypted, public_key_hash, public_key_encrypted, created_at, updated_at)
	 VALUES ('env_0', 'proj_0', 'dev', 'DEVELOPMENT', 'a', 'b', 'c', 'd', 0, 0)`,
	`INSERT INTO endpoints (id, environment_id, slug, url, indexing_hook_id, version, sdk_version, execution_limit_ms, created_at, updated_at)
	 VALUES ('endpoint_0', 'env_0', 'app', 'http://127.0.0.1:9', 'hook', '1', '1', 1000, 0, 0)`,
	`INSERT INTO jobs VALUES ('job_0', 'proj_0', 'bill', 0, 0)`,
	`INSERT INTO events (id, environment_id, event_id, name, source, payload, context, is_test, internal, timestamp, deliver_at, created_at, updated_at)
	 VALUES ('event_0', 'env_0', 'key-0', 'invoke', 'trigger.dev', '{}', '{}', FALSE, TRUE, 0, 0, 0, 0)`,
	`INSERT INTO runs (id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, internal, priority, created_at, updated_at, completed_at)
	 VALUES ('run_0', 'env_0', 'job_0', 'version_0', 'endpoint_0', 'event_0', 'FAILURE', FALSE, FALSE, 0, 0, 0, 3600000000)`,
	`INSERT INTO runs (id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, internal, priority, created_at, updated_at, lease_owner)
	 VALUES ('run_executing', 'env_0', 'job_0', 'version_0', 'endpoint_0', 'event_0', 'EXECUTING', FALSE, FALSE, 0, 0, 9000000000000000, 'node_0')`,
	`INSERT INTO tasks (id, environment_id, run_id, idempotency_key, name, status, noop, child_execution_mode, attempts, started_at, completed_at)
	 VALUES ('task_0', 'env_0', 'run_0', 'key', 'Task', 'ERRORED', FALSE, 'SEQUENTIAL', 2, 0, 1)`,
	`INSERT INTO task_attempts VALUES ('task_0', 1, 'failed', 1, 1)`,
	`INSERT INTO subscriptions (id, environment_id, url, enabled, settings, sealed, created_at, updated_at) VALUES
	 ('sub_all', 'env_0', 'http://127.0.0.1:9', TRUE, '{"events":["run.ended"]}', '', 0, 0),
	 ('sub_these', 'env_0', 'http://127.0.0.1:9', TRUE, '{"events":["other","run.ended"],"jobs":["call","bill"],"statuses":["FAILURE"]}', '', 0, 0),
	 ('sub_other_events', 'env_0', 'http://127.0.0.1:9', TRUE, '{"events":["other"]}', '', 0, 0),
	 ('sub_other_jobs', 'env_0', 'http://127.0.0.1:9', TRUE, '{"events":["run.ended"],"jobs":["call"]}', '', 0, 0),
	 ('sub_other_statuses', 'env_0', 'http://127.0.0.1:9', TRUE, '{"events":["run.ended"],"statuses":["SUCCESS"]}', '', 0, 0),
	 ('sub_filtered', 'env_0', 'http://127.0.0.1:9', TRUE, '{"events":["run.ended"],"filter":{"ok":[true]}}', '', 0, 0),
	 ('sub_changed_later', 'env_0', 'http://127.0.0.1:9', TRUE, '{"events":["run.ended"]}', '', 0, 3500000000)`,
	`INSERT INTO notification_bodies VALUES ('ntf_all', '{}')`,
	`INSERT INTO notifications (id, environment_id, run_id, subscription_id, url, status, run_status, body_id, created_at, updated_at, delivered_at, attempts, feed_position) VALUES
	 ('ntf_all', 'env_0', 'run_0', 'sub_all', 'http://127.0.0.1:9', 'DELIVERED', 'FAILURE', 'ntf_all', 3600000000, 3600000000, 3600000001, 1, 7),
	 ('ntf_these', 'env_0', 'run_0', 'sub_these', 'http://127.0.0.1:9', 'HELD', 'FAILURE', 'ntf_all', 3600000000, 3600000000, NULL, 0, NULL)`,
	`INSERT INTO notification_attempts (notification_id, number, cause, started_at, duration_ms) VALUES ('ntf_all', 1, 'schedule', 0, 0)`,
	`INSERT INTO notification_feeds (environment_id, last_position) VALUES ('env_0', 7)`,
	`INSERT INTO schedules (id, environment_id, endpoint_id, kind, target_id, key, type, seconds, cron, active, due_at, lease_owner, created_at, updated_at) VALUES
	 ('schedule_due', 'env_0', 'endpoint_0', 'DYNAMIC', 'dynamic_0', 'a', 'interval', 60, '', TRUE, 1, NULL, 0, 0),
	 ('schedule_ticking', 'env_0', 'endpoint_0', 'DYNAMIC', 'dynamic_0', 'b', 'interval', 60, '', TRUE, NULL, 'node_0', 0, 0),
	 ('schedule_off', 'env_0', 'endpoint_0', 'DYNAMIC', 'dynamic_0', 'c', 'interval', 60, '', FALSE, NULL, NULL, 0, 0)`,
	`INSERT INTO source_queues VALUES ('webhook_0', 'env_0', 4), ('webhook_1', 'env_0', 1)`,
	`INSERT INTO source_deliveries (id, environment_id, kind, source_id, number, status, url, method, headers, body, due_at, lease_owner, created_at, updated_at) VALUES
	 ('delivery_ended', 'env_0', 'WEBHOOK', 'webhook_0', 1, 'DELIVERED', 'http://127.0.0.1:9', 'POST', '{}', '', NULL, NULL, 0, 0),
	 ('delivery_first', 'env_0', 'WEBHOOK', 'webhook_0', 2, 'PENDING', 'http://127.0.0.1:9', 'POST', '{}', '', 1, NULL, 0, 0),
	 ('delivery_second', 'env_0', 'WEBHOOK', 'webhook_0', 3, 'PENDING', 'http://127.0.0.1:9', 'POST', '{}', '', NULL, NULL, 0, 0),
	 ('delivery_leased', 'env_0', 'WEBHOOK', 'webhook_1', 1, 'PENDING', 'http://127.0.0.1:9', 'POST', '{}', '', NULL, 'node_0', 0, 0)`,
	`INSERT INTO dispatchers (id, environment_id, kind, target_id, enabled, created_at, updated_at) VALUES
	 ('wait_due', 'env_0', 'WAIT', 'url_0', TRUE, 0, 0), ('wait_told', 'env_0', 'WAIT', 'url_1', FALSE, 0, 0)`,
	`INSERT INTO event_waits (id, url, event_id, due_at, lease_owner) VALUES
	 ('wait_due', 'http://127.0.0.1:9', NULL, 1, NULL), ('wait_told', 'http://127.0.0.1:9', 'event_0', NULL, 'node_0')`,
}

// damages are what breaks an invariant, and whether it can be repaired.
var damages = []struct {
	table, statement, want string
	repaired               bool
}{
	{"tasks", `UPDATE tasks SET attempts = 3`, "tasks count their attempts", false},
	{"tasks", `DELETE FROM task_attempts`, "tasks count their attempts", false},
	{"runs", `UPDATE notifications SET subscription_id = NULL WHERE id = 'ntf_all'`, "subscriptions are notified once of runs that ended", false},
	{"runs", `DELETE FROM notifications WHERE id = 'ntf_these'`, "subscriptions are notified once of runs that ended", false},
	{"runs", `UPDATE notifications SET subscription_id = 'sub_all'`, "subscriptions are notified once of runs that ended", false},
	{"runs", `UPDATE runs SET updated_at = 1 WHERE id = 'run_executing'`, "executions end", true},
	{"notifications", `UPDATE notification_feeds SET last_position = 6`, "feeds count their notifications", false},
	{"schedules", `UPDATE schedules SET due_at = 1 WHERE id = 'schedule_ticking'`, "schedules tick once", true},
	{"schedules", `UPDATE schedules SET due_at = 1 WHERE id = 'schedule_off'`, "schedules tick once", true},
	{"source_deliveries", `UPDATE source_deliveries SET due_at = NULL WHERE id = 'delivery_first'`, "the first request of a source is delivered", true},
	{"source_deliveries", `UPDATE source_deliveries SET due_at = 1 WHERE id = 'delivery_leased'`, "the first request of a source is delivered", true},
	{"source_deliveries", `UPDATE source_deliveries SET due_at = 1 WHERE id = 'delivery_second'`, "requests wait for those before them", true},
	{"source_deliveries", `UPDATE source_deliveries SET lease_owner = 'node_0' WHERE id = 'delivery_second'`, "requests are delivered in their order", false},
	{"source_deliveries", `UPDATE source_deliveries SET due_at = 1 WHERE id = 'delivery_ended'`, "requests that ended rest", true},
	{"source_deliveries", `UPDATE source_queues SET last_number = 2`, "sources count their requests", false},
	{"event_waits", `UPDATE event_waits SET due_at = 1 WHERE id = 'wait_told'`, "waits receive their event", true},
	{"event_waits", `UPDATE event_waits SET lease_owner = NULL WHERE id = 'wait_told'`, "waits receive their event", true},
	{"event_waits", `UPDATE event_waits SET due_at = NULL WHERE id = 'wait_due'`, "waits end", false},
	{"nodes", `UPDATE nodes SET expires_at = 9000000000000000, clock_ahead_us = -2000001`, "processes know what time it is", false},
	{"event_waits", `UPDATE event_waits SET lease_owner = 'node_none' WHERE id = 'wait_told'`, "event_waits are leased to known processes", false},
}

func TestEachDamageToARowIsFoundAndRepairedIfThatIsSafe(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, store.Options{URL: engine.url(t)})
			for _, damage := range damages {
				makeHealthy(t, s)
				for _, table := range store.InvariantTables() {
					if found := breaches(t, s, table); len(found) > 0 {
						t.Fatalf("%s of healthy rows are broken: %+v", table, found)
					}
				}
				executeAll(t, s, damage.statement)
				found := breaches(t, s, damage.table)
				if len(found) != 1 || found[0].Invariant.Name != damage.want || found[0].Invariant.Repairable() != damage.repaired {
					t.Errorf("%s: got %+v, want that %q", damage.statement, found, damage.want)
					continue
				}
				if !damage.repaired {
					continue
				}
				if err := s.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Repair(found[0]); return err }); err != nil {
					t.Error(err)
				}
				if left := breaches(t, s, damage.table); len(left) > 0 {
					t.Errorf("%s: after the repair: %+v", damage.statement, left)
				}
			}
		})
	}
}

// makeHealthy makes the rows anew.
func makeHealthy(t *testing.T, s *store.Store) {
	t.Helper()
	for _, statement := range slices.Backward(healthyStatements) {
		table := strings.Fields(statement)[2]
		executeAll(t, s, `DELETE FROM `+table)
	}
	executeAll(t, s, healthyStatements...)
}

func executeAll(t *testing.T, s *store.Store, statements ...string) {
	t.Helper()
	err := store.Database(s).Update(t.Context(), func(c database.Conn) error {
		for _, statement := range statements {
			if _, err := c.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func breaches(t *testing.T, s *store.Store, table string) (found []store.Breach) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.Breaches(store.Span{Table: table})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
