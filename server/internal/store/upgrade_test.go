package store_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/migrations"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// madeAt makes a database as a program made it that knew the migrations up to a
// version only, with rows by the statements.
func madeAt(t *testing.T, url string, version int, statements ...string) {
	t.Helper()
	var db database.DB
	var err error
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		db, err = sqlite.Open(t.Context(), path, sqlite.Options{})
	} else {
		db, err = postgres.Open(t.Context(), url, postgres.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := migrations.RunFiles(t.Context(), db, filesUpTo(t, version)); err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(c database.Conn) error {
		for _, statement := range statements {
			if _, err := c.Exec(statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// filesUpTo returns the migrations up to a version.
func filesUpTo(t *testing.T, version int) fs.FS {
	t.Helper()
	all, err := fs.Glob(migrations.Files(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	known := fstest.MapFS{}
	for _, name := range all {
		var number int
		if _, err := fmt.Sscanf(name, "%05d_", &number); err != nil {
			t.Fatal(err)
		}
		if number > version {
			continue
		}
		text, err := fs.ReadFile(migrations.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		known[name] = &fstest.MapFile{Data: text}
	}
	return known
}

// environmentRows make two environments without keys, for rows that belong to them.
var environmentRows = []string{
	`INSERT INTO organizations VALUES ('org_1', 'org', 'Org', 1000, 0, 0)`,
	`INSERT INTO projects VALUES ('proj_1', 'org_1', 'project', 'Project', 0, 0)`,
	`INSERT INTO environments (id, project_id, slug, type, api_key_hash, public_key_hash, api_key_encrypted, public_key_encrypted, created_at, updated_at, shortcode)
	 VALUES ('env_1', 'proj_1', 'dev', 'DEVELOPMENT', 'a', 'b', '', '', 0, 0, 'dev'), ('env_2', 'proj_1', 'prod', 'PRODUCTION', 'c', 'd', '', '', 0, 0, 'prod'),
	        ('env_3', 'proj_1', 'staging', 'STAGING', 'e', 'f', '', '', 0, 0, 'staging')`,
}

func TestSubscriptionsOfBeforeKeepTheirSettings(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url := engine.url(t)
			madeAt(t, url, 13, append(environmentRows, `INSERT INTO subscriptions (id, environment_id, url, enabled, settings, sealed, created_at, updated_at)
				VALUES ('sub_1', 'env_1', 'http://a.test', TRUE, '{"name":"b","events":["run.ended"],"filter":{"a":["}"]}}', '', 0, 0),
				 ('sub_2', 'env_1', 'http://a.test', TRUE, '{"name":"c","events":["run.ended"],"giveUpOnRefusal":true}', '', 1, 1)`)...)
			s := open(t, store.Options{URL: url, MasterKey: store.NewMasterKey()})
			var targets []model.Subscription
			err := s.View(t.Context(), func(tx *store.Tx) (err error) {
				targets, err = tx.SubscriptionTargets("env_1")
				return err
			})
			if err != nil || len(targets) != 2 {
				t.Fatalf("%d subscriptions, error %v", len(targets), err)
			}
			for _, target := range targets {
				got, first := target.Settings, target.ID == "sub_1"
				if !got.LegacySignature || got.RetryClientErrors != first || first && (got.Name != "b" || string(got.Filter) != `{"a":["}"]}`) {
					t.Errorf("the settings of %s are %+v", target.ID, got)
				}
			}
		})
	}
}

// sharedWebhookRows are a webhook that three environments have registered with the
// one secret of their project.
func sharedWebhookRows(sealed string) (rows []string) {
	rows = append(rows, environmentRows...)
	rows = append(rows, `INSERT INTO http_endpoints VALUES ('httpendpoint_1', 'proj_1', 'shop', '`+sealed+`', 0, 0)`)
	for _, n := range []string{"1", "2", "3"} {
		rows = append(rows,
			`INSERT INTO endpoints (id, environment_id, slug, url, indexing_hook_id, version, sdk_version, execution_limit_ms, created_at, updated_at)
			 VALUES ('endpoint_`+n+`', 'env_`+n+`', 'app', 'http://a.test', 'hook', '1', '1', 1000, 0, 0)`,
			`INSERT INTO http_endpoint_environments VALUES ('httpendpoint_1', 'env_`+n+`', 'endpoint_`+n+`', TRUE, 's', NULL, FALSE, 0, 0)`,
			`INSERT INTO webhooks (id, environment_id, endpoint_id, http_endpoint_id, key, params, listed, active, config, desired_config, registrations, register_after, created_at, updated_at, registered_with)
			 VALUES ('webhook_`+n+`', 'env_`+n+`', 'endpoint_`+n+`', 'httpendpoint_1', 'shop', '{}', TRUE, TRUE, '{}', '{}', 3, 9000000000000000, 0, 0, 'digest')`)
	}
	return rows
}

func TestASharedSecretStaysThatOfProductionAlone(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url, key := engine.url(t), store.NewMasterKey()
			madeAt(t, url, 13, sharedWebhookRows(store.Seal(key, "shared", "http_endpoints.secret/httpendpoint_1"))...)
			var before map[string]string
			for range 2 { // opened again, nothing changes
				s := open(t, store.Options{URL: url, MasterKey: key})
				secrets := map[string]string{}
				err := s.View(t.Context(), func(tx *store.Tx) error {
					for _, n := range []string{"1", "2", "3"} {
						secret, found, err := tx.HTTPEndpointSecret("httpendpoint_1", "env_"+n)
						if err != nil || !found {
							return fmt.Errorf("environment %s has no secret: %w", n, err)
						}
						secrets[n] = secret
						webhook, _, err := tx.Webhook("webhook_" + n)
						if err != nil {
							return err
						}
						index, ordered, err := tx.LastIndex("endpoint_" + n)
						if err != nil {
							return err
						}
						// The other service receives a secret that is new, and only then.
						if again := n != "2"; (webhook.RegisteredWith != "digest") != again || (webhook.Registrations == 0) != again ||
							ordered != again || ordered && index.Status != model.IndexPending {
							t.Errorf("environment %s: the webhook is %+v, and the last indexing %+v", n, webhook, index)
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if secrets["2"] != "shared" || secrets["1"] == "shared" || secrets["3"] == "shared" || secrets["1"] == secrets["3"] || len(secrets["1"]) != 64 {
					t.Errorf("the secrets are %v", secrets)
				}
				if before != nil && !maps.Equal(before, secrets) {
					t.Errorf("the secrets were %v, and are %v", before, secrets)
				}
				before = secrets
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestSecretsThatWereKeptInClearBecomeReferences(t *testing.T) {
	t.Parallel()
	shared, made, own := strings.Repeat("5eed", 16), strings.Repeat("ab12", 16), "own secret"
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url, key := engine.url(t), store.NewMasterKey()
			rows := sharedWebhookRows(store.Seal(key, shared, "http_endpoints.secret/httpendpoint_1"))
			for n, secret := range map[string]string{"1": made, "2": own} {
				rows = append(rows, `INSERT INTO trigger_sources (id, environment_id, endpoint_id, key, channel, integration, params, options, registered_options, secret_encrypted, listed, active, created_at, updated_at)
					VALUES ('source_`+n+`', 'env_`+n+`', 'endpoint_`+n+`', 'k', 'HTTP', 'i', '{}', '{}', '{}', '`+store.Seal(key, secret, "trigger_sources.secret/source_"+n)+`', TRUE, TRUE, 0, 0)`)
			}
			rows = append(rows, `INSERT INTO jobs VALUES ('job_1', 'proj_1', 'j', 'J', FALSE, 0, 0)`)
			secrets := map[string]string{"1": made, "2": own}
			for _, n := range []string{"1", "2"} {
				rows = append(rows,
					`INSERT INTO job_versions (id, environment_id, job_id, endpoint_id, version, status, latest, specification, created_at, updated_at)
					 VALUES ('version_`+n+`', 'env_`+n+`', 'job_1', 'endpoint_`+n+`', '1.0.0', 'ACTIVE', TRUE, '{}', 0, 0)`,
					`INSERT INTO events (id, environment_id, event_id, name, source, payload, context, is_test, internal, timestamp, deliver_at, created_at, updated_at)
					 VALUES ('event_`+n+`', 'env_`+n+`', 'e', 'dev.trigger.webhook.register.shop', 's', '{"secret":"`+shared+`","n": 1.0}', '{}', FALSE, FALSE, 0, 0, 0, 0)`,
					`INSERT INTO runs (id, environment_id, job_id, job_version_id, endpoint_id, event_id, status, is_test, internal, priority, parked, output, created_at, updated_at)
					 VALUES ('run_`+n+`', 'env_`+n+`', 'job_1', 'version_`+n+`', 'endpoint_`+n+`', 'event_`+n+`', 'SUCCESS', FALSE, FALSE, 0, FALSE, '{"secret":"`+secrets[n]+`"}', 0, 0)`,
					`INSERT INTO tasks (id, environment_id, run_id, idempotency_key, name, status, noop, child_execution_mode, attempts, started_at, params, output)
					 VALUES ('task_`+n+`', 'env_`+n+`', 'run_`+n+`', 'k', 'T', 'COMPLETED', FALSE, 'SEQUENTIAL', 1, 0, '{"secret":"`+secrets[n]+`"}', '{"source":{"secret":"`+shared+`"}}')`,
					`INSERT INTO notification_bodies (id, body) VALUES ('ntf_`+n+`', '{"invocation":{"payload":{"secret":"`+shared+`"}}}')`,
					`INSERT INTO notifications (id, environment_id, run_id, url, status, run_status, body_id, created_at, updated_at)
					 VALUES ('ntf_`+n+`', 'env_`+n+`', 'run_`+n+`', 'http://a.test', 'DELIVERED', 'SUCCESS', 'ntf_`+n+`', 0, 0)`)
			}
			madeAt(t, url, 13, rows...)
			s := open(t, store.Options{URL: url, MasterKey: key})
			text := dump(t, s)
			var fresh string
			for n, want := range map[string]string{"1": made, "2": own} {
				err := s.View(t.Context(), func(tx *store.Tx) error {
					secret, _, err := tx.HTTPEndpointSecret("httpendpoint_1", "env_"+n)
					if err != nil {
						return err
					}
					if n == "1" {
						fresh = secret
					}
					task, _, err := tx.Task("task_" + n)
					if err != nil {
						return err
					}
					x, _, err := tx.Execution("run_" + n)
					if err != nil {
						return err
					}
					for kept, notified := range map[string]string{
						string(x.Event.Payload): `{"secret":"` + secret + `","n": 1.0}`, string(x.Run.Output): `{"secret":"` + want + `"}`,
						string(task.Params): `{"secret":"` + want + `"}`, string(task.Output): `{"source":{"secret":"` + secret + `"}}`,
					} {
						opened, err := tx.OpenSecrets("env_"+n, []byte(kept))
						if err != nil {
							return err
						}
						if string(opened) != notified {
							t.Errorf("environment %s: the app receives %s, want %s", n, opened, notified)
						}
						// No other app receives it.
						if elsewhere, err := tx.OpenSecrets("env_3", []byte(kept)); err != nil || string(elsewhere) != kept {
							t.Errorf("another environment receives %s (%v)", elsewhere, err)
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
				file, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				text = string(file)
			}
			if !strings.Contains(text, "[REDACTED]") || !strings.Contains(text, "runhook-secret:") {
				t.Error("the database has neither references nor a body that shows none")
			}
			for _, secret := range []string{shared, made, own, fresh} {
				if strings.Contains(text, secret) {
					t.Errorf("the database has the secret %s", secret)
				}
			}
		})
	}
}

func TestSecretsThatAppsChoseBeforeAreTakenOutInPages(t *testing.T) {
	t.Parallel()
	const own, rows = "whsec_chosen_by_an_app", 250
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url, key := engine.url(t), store.NewMasterKey()
			before := append(sharedWebhookRows(store.Seal(key, strings.Repeat("5eed", 16), "http_endpoints.secret/httpendpoint_1")),
				`INSERT INTO trigger_sources (id, environment_id, endpoint_id, key, channel, integration, params, options, registered_options, secret_encrypted, listed, active, created_at, updated_at)
				 VALUES ('source_1', 'env_1', 'endpoint_1', 'k', 'HTTP', 'i', '{}', '{}', '{}', '`+store.Seal(key, own, "trigger_sources.secret/source_1")+`', TRUE, TRUE, 0, 0)`)
			for n := range rows {
				before = append(before, fmt.Sprintf(`INSERT INTO events (id, environment_id, event_id, name, source, payload, context, is_test, internal, timestamp, deliver_at, created_at, updated_at)
					VALUES ('event_%03d', 'env_%d', 'e%d', 'n', 's', '{"token":"%s"}', '{}', FALSE, FALSE, 0, 0, 0, 0)`, n, 1+n%2, n, own))
			}
			madeAt(t, url, 13, before...)
			s := open(t, store.Options{URL: url, MasterKey: key})
			steps, changed := 0, 0
			for more := true; more; {
				err := s.Update(t.Context(), func(tx *store.Tx) error {
					next, found, err := tx.NextSecretSweep()
					if more = found; err != nil || !found {
						return err
					}
					steps++
					n, err := tx.SweepSecrets(next)
					changed += n
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if steps < 3+rows/2/100 || changed != rows/2 {
				t.Errorf("%d rows were changed in %d transactions; want %d", changed, steps, rows/2)
			}
			text := dump(t, s)
			if n := strings.Count(text, own); n != rows/2 {
				t.Errorf("the secret of one environment stands %d times in clear; in the other it stands %d times", n, rows/2)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, store.Options{URL: url, MasterKey: key})
			err := again.View(t.Context(), func(tx *store.Tx) error {
				event, _, err := tx.Event("env_1", "e0")
				if err != nil {
					return err
				}
				if opened, err := tx.OpenSecrets("env_1", event.Payload); err != nil || string(opened) != `{"token":"`+own+`"}` {
					t.Errorf("the app receives %s (%v)", opened, err)
				}
				if next, more, err := tx.NextSecretSweep(); more || err != nil {
					t.Errorf("after a restart this is gone through again: %+v (%v)", next, err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
