package store_test

import (
	"fmt"
	"io/fs"
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

// environment makes an environment without keys, for rows that belong to one.
var anEnvironment = []string{
	`INSERT INTO organizations VALUES ('org_1', 'org', 'Org', 1000, 0, 0)`,
	`INSERT INTO projects VALUES ('proj_1', 'org_1', 'project', 'Project', 0, 0)`,
	`INSERT INTO environments (id, project_id, slug, type, api_key_hash, public_key_hash, api_key_encrypted, public_key_encrypted, created_at, updated_at, shortcode)
	 VALUES ('env_1', 'proj_1', 'dev', 'DEVELOPMENT', 'a', 'b', '', '', 0, 0, 'dev')`,
}

func TestSubscriptionsOfBeforeKeepTheLegacySignature(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url := engine.url(t)
			madeAt(t, url, 13, append(anEnvironment, `INSERT INTO subscriptions (id, environment_id, url, enabled, settings, sealed, created_at, updated_at)
				VALUES ('sub_1', 'env_1', 'http://a.test', TRUE, '{"name":"b","events":["run.ended"],"filter":{"a":["}"]}}', '', 0, 0)`)...)
			s := open(t, store.Options{URL: url})
			var targets []model.Subscription
			err := s.View(t.Context(), func(tx *store.Tx) (err error) {
				targets, err = tx.SubscriptionTargets("env_1")
				return err
			})
			if err != nil || len(targets) != 1 {
				t.Fatalf("%d subscriptions, error %v", len(targets), err)
			}
			if got := targets[0].Settings; !got.LegacySignature || got.Name != "b" || string(got.Filter) != `{"a":["}"]}` {
				t.Errorf("the settings are %+v", got)
			}
		})
	}
}
