package store_test

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store"
)

// waitingRows are a run that waits for a callback, and all that may hold its URL, as they
// were recorded before it was kept which task a URL completes.
func waitingRows(taskID, callbackURL string) []string {
	rows := append([]string{}, environmentRows...)
	return append(rows,
		`INSERT INTO endpoints (id, environment_id, slug, url, indexing_hook_id, version, sdk_version, execution_limit_ms, created_at, updated_at)
		 VALUES ('endpoint_1', 'env_1', 'app', 'http://a.test', 'hook', '1', '1', 1000, 0, 0)`,
		`INSERT INTO jobs VALUES ('job_1', 'proj_1', 'j', 'J', FALSE, 0, 0)`,
		`INSERT INTO job_versions (id, environment_id, job_id, endpoint_id, version, status, latest, specification, created_at, updated_at)
		 VALUES ('version_1', 'env_1', 'job_1', 'endpoint_1', '1.0.0', 'ACTIVE', TRUE, '{}', 0, 0)`,
		`INSERT INTO events (id, environment_id, event_id, name, source, payload, context, is_test, internal, timestamp, deliver_at, created_at, updated_at)
		 VALUES ('event_1', 'env_1', 'e', 'invoke', 's', '{}', '{}', FALSE, FALSE, 0, 0, 0, 0)`,
		`INSERT INTO runs (id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, internal, priority, parked, created_at, updated_at, callback_url)
		 VALUES ('run_parent', 'env_1', 'job_1', 'version_1', 'endpoint_1', 'event_1', 'WAITING_TO_CONTINUE', FALSE, FALSE, 0, FALSE, 0, 0, 'https://others.test/api/v1/tasks/1/callback/2'),
		        ('run_child', 'env_1', 'job_1', 'version_1', 'endpoint_1', 'event_1', 'SUCCESS', FALSE, FALSE, 0, FALSE, 0, 0, '`+callbackURL+`')`,
		`INSERT INTO tasks (id, environment_id, run_id, idempotency_key, name, status, noop, child_execution_mode, attempts, started_at, callback_url)
		 VALUES ('`+taskID+`', 'env_1', 'run_parent', 'k', 'T', 'WAITING', FALSE, 'SEQUENTIAL', 1, 0, '`+callbackURL+`')`,
		`INSERT INTO notification_bodies (id, body) VALUES ('ntf_1', '{}')`,
		`INSERT INTO notifications (id, environment_id, run_id, url, status, run_status, body_id, created_at, updated_at)
		 VALUES ('ntf_1', 'env_1', 'run_child', '`+callbackURL+`', 'PENDING', 'SUCCESS', 'ntf_1', 0, 0)`,
		`INSERT INTO dispatchers (id, environment_id, kind, target_id, enabled, created_at, updated_at)
		 VALUES ('dispatcher_1', 'env_1', 'WAIT', 'url_1', TRUE, 0, 0), ('dispatcher_2', 'env_1', 'WAIT', 'url_2', TRUE, 0, 0)`,
		`INSERT INTO dispatcher_events VALUES ('env_1', 'paid', 's', 'url_1', 'dispatcher_1'), ('env_1', 'paid', 's', 'url_2', 'dispatcher_2')`,
		`INSERT INTO event_waits (id, url, due_at) VALUES ('dispatcher_1', '`+callbackURL+`', 1), ('dispatcher_2', 'https://others.test/', 2)`,
	)
}

func TestWhatWaitsSinceBeforeKnowsItsTask(t *testing.T) {
	t.Parallel()
	const taskID, secret = "01kjmdeb800fg93nvt5pgbdk7f", "0123456789abcdef01234567"
	const callbackURL = "http://one.internal:1/base/api/v1/tasks/" + taskID + "/callback/" + secret
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url := engine.url(t)
			madeAt(t, url, 19, waitingRows(taskID, callbackURL)...)
			s := open(t, store.Options{URL: url, MasterKey: store.NewMasterKey()})
			got := map[string]string{}
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				task, _, err := tx.Task(taskID)
				if err != nil {
					return err
				}
				got["secret"] = task.CallbackSecret
				for _, id := range []string{"run_child", "run_parent"} {
					run, _, err := tx.LockRun(id)
					if err != nil {
						return err
					}
					got[id] = run.CallbackTaskID
				}
				notification, _, err := tx.Notification("env_1", "ntf_1")
				if err != nil {
					return err
				}
				got["notification"] = notification.TaskID
				dispatcher, _, err := tx.Dispatcher("env_1", "task_"+taskID)
				if err != nil {
					return err
				}
				got["dispatcher"] = dispatcher.ID
				waits, _, err := tx.ClaimEventWaits("node_a", 10)
				for _, w := range waits {
					got["wait "+w.ID] = strings.TrimSpace(w.TaskID + " " + w.RunID)
				}
				if err != nil {
					return err
				}
				listeners, err := tx.Listeners("env_1", "paid", "s", "", 10)
				for _, d := range listeners {
					got["listens "+d.ID] = d.TargetID
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for what, want := range map[string]string{
				"secret": secret, "run_child": taskID, "run_parent": "", "notification": taskID, "dispatcher": "dispatcher_1",
				"wait dispatcher_1": taskID + " run_parent", "wait dispatcher_2": "",
				"listens dispatcher_1": "task_" + taskID, "listens dispatcher_2": "url_2",
			} {
				if got[what] != want {
					t.Errorf("%s is %q, want %q", what, got[what], want)
				}
			}
		})
	}
}
