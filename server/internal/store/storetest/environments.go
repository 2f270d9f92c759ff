package storetest

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

var environmentTests = []test{
	{"a project has its environments, each with its organization and keys", environmentsOfProject},
	{"an environment is found by its keys, the public one only where that is allowed", environmentByKey},
	{"an environment is found by its id", environmentByID},
	{"a project that cannot be made leaves nothing", projectConflicts},
	{"a replaced key stops working and the new one works", replacedKey},
	{"a replaced key is forgotten in time by a process that remembers it", rememberedKey},
	{"an environment is switched off and on", switchedEnvironment},
}

func environmentsOfProject(f *fixture) {
	environments := read(f, (*store.Tx).Environments)
	equal(f, "the number of environments", len(environments), 2)
	for i, want := range []*model.Environment{
		{Slug: "dev", Type: protocol.Development, APIKey: secretKey, PublicKey: publicKey},
		{Slug: "prod", Type: protocol.Production, APIKey: otherSecretKey, PublicKey: otherPublicKey},
	} {
		got := environments[i]
		want.Shortcode = want.Slug + "-" + got.ID[len(got.ID)-6:]
		want.ID, want.Organization.ID, want.Project.ID = got.ID, got.Organization.ID, got.Project.ID
		want.Organization.Slug, want.Organization.Title, want.Organization.MaximumExecution = "acme", "Acme", 15*time.Minute
		want.Project.Slug, want.Project.Name = "shop", "Shop"
		want.CreatedAt, want.UpdatedAt = f.clock.Now(), f.clock.Now()
		equal(f, "the environment", got, want)
	}
}

func environmentByKey(f *fixture) {
	for _, test := range []struct {
		name        string
		key         string
		allowPublic bool
		want        *model.Environment
	}{
		{"the secret key", secretKey, false, f.environment},
		{"the secret key where a public one would do", secretKey, true, f.environment},
		{"the secret key of the other environment", otherSecretKey, false, f.other},
		{"the public key where it is allowed", publicKey, true, f.environment},
		{"the public key of the other environment", otherPublicKey, true, f.other},
		{"the public key where it is not allowed", publicKey, false, nil},
		{"an unknown secret key", "tr_dev_unknown", true, nil},
		{"an unknown public key", "pk_dev_unknown", true, nil},
		{"no key", "", true, nil},
		{"the beginning of a key", secretKey[:len(secretKey)-1], true, nil},
		{"a key in capitals", "TR_DEV_ABCDEFGHIJ0123456789", true, nil},
		{"an environment's id", f.environment.ID, true, nil},
	} {
		f.Run(test.name, func(t *testing.T) {
			// The second time, it may be remembered.
			for range 2 {
				got, err := f.store.EnvironmentByKey(t.Context(), test.key, test.allowPublic)
				if test.want == nil {
					wantCode(t, err, model.Unauthorized)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "the environment", got, test.want)
			}
		})
	}
}

func environmentByID(f *fixture) {
	got, err := f.store.EnvironmentByID(f.Context(), f.other.ID)
	if err != nil {
		f.Fatal(err)
	}
	equal(f, "the environment", got, f.other)
	_, err = f.store.EnvironmentByID(f.Context(), "env_unknown")
	wantCode(f, err, model.NotFound)
}

func projectConflicts(f *fixture) {
	fresh := func(slug string) (model.Organization, model.Project) {
		return model.Organization{ID: f.id(model.PrefixOrganization), Slug: slug}, model.Project{ID: f.id(model.PrefixProject), Slug: slug}
	}
	key := func(slug, secret, public string) store.NewEnvironment {
		return store.NewEnvironment{Slug: slug, Type: protocol.Preview, APIKey: secret, PublicKey: public}
	}
	for name, environments := range map[string][]store.NewEnvironment{
		"a secret key that is in use": {key("a", "tr_new", "pk_new"), key("b", secretKey, "pk_newer")},
		"a public key that is in use": {key("a", "tr_new", "pk_new"), key("b", "tr_newer", publicKey)},
		"one slug twice":              {key("a", "tr_new", "pk_new"), key("a", "tr_newer", "pk_newer")},
	} {
		organization, project := fresh("fresh")
		f.refuses(database.ErrConflict, func(tx *store.Tx) error { return tx.CreateProject(organization, project, environments) })
		if got := read(f, (*store.Tx).Environments); len(got) != 2 {
			f.Errorf("%s: there are %d environments, want 2", name, len(got))
		}
	}
	organization, project := fresh("fresh")
	f.update(func(tx *store.Tx) error {
		return tx.CreateProject(organization, project, []store.NewEnvironment{key("a", "tr_new", "pk_new")})
	})
}

func replacedKey(f *fixture) {
	f.clock.Advance(time.Hour)
	f.update(func(tx *store.Tx) error { return tx.SetAPIKey(f.environment.ID, "tr_dev_fresh") })
	_, err := f.store.EnvironmentByKey(f.Context(), secretKey, true)
	wantCode(f, err, model.Unauthorized)
	got, err := f.store.EnvironmentByKey(f.Context(), "tr_dev_fresh", false)
	if err != nil {
		f.Fatal(err)
	}
	want := *f.environment
	want.APIKey, want.UpdatedAt = "tr_dev_fresh", f.clock.Now()
	equal(f, "the environment by its new key", got, &want)
	if got, err = f.store.EnvironmentByKey(f.Context(), publicKey, true); err != nil {
		f.Fatal(err)
	}
	equal(f, "the environment by its public key", got, &want)
	f.refuses(database.ErrConflict, func(tx *store.Tx) error { return tx.SetAPIKey(f.environment.ID, otherSecretKey) })
}

func switchedEnvironment(f *fixture) {
	s, run := f.insertSchedule(), f.insertRun()
	claim := f.claimSchedules("node_a", 1)[0]
	f.update(func(tx *store.Tx) error { return tx.SwitchEnvironment(f.environment.ID, "it is not wanted") })
	equal(f, "which are off", read(f, (*store.Tx).EnvironmentsOff), []string{f.environment.ID})
	equal(f, "why", read(f, (*store.Tx).ReasonsOff), map[protocol.EnvironmentType]string{f.environment.Type: "it is not wanted"})
	got, err := f.store.EnvironmentByKey(f.Context(), secretKey, false)
	equal(f, "the error", err, nil)
	equal(f, "why it is off", got.Off, "it is not wanted")
	wantCode(f, got.CheckOn(), model.Forbidden)
	equal(f, "which of two have due runs", read(f, func(tx *store.Tx) ([]string, error) {
		return tx.HaveDueRuns([]string{f.other.ID, run.EnvironmentID})
	}), []string{run.EnvironmentID})
	f.update(func(tx *store.Tx) error { return tx.EndTick(claim, time.Time{}, time.Time{}) })

	f.update(func(tx *store.Tx) error { return tx.SwitchEnvironment(f.environment.ID, "") })
	equal(f, "which are off", read(f, (*store.Tx).EnvironmentsOff), nil)
	s.NextTick = time.Time{}
	equal(f, "what is due", f.claimSchedules("node_a", 10)[0].Schedule, s)
}

func rememberedKey(f *fixture) {
	if _, err := f.store.EnvironmentByKey(f.Context(), secretKey, false); err != nil {
		f.Fatal(err)
	}
	f.update(func(tx *store.Tx) error { return tx.SetAPIKey(f.environment.ID, "tr_dev_fresh") })
	_, err := f.store.EnvironmentByKey(f.Context(), secretKey, false)
	wantCode(f, err, model.Unauthorized)
}
