package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/dashboard"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Key is the keys of an environment.
type Key struct {
	Environment protocol.EnvironmentType
	Secret      string
	Public      string
	// Off says why the environment is switched off; empty while it is on.
	Off string
}

// Webhook returns the secret that signs the notifications to the callback URLs of the
// environment's runs, as libraries for Standard Webhooks take it.
func (k Key) Webhook() string { return protocol.WebhookSecret(k.Secret) }

// environmentKind is an environment that every project has.
type environmentKind struct {
	kind protocol.EnvironmentType
	slug string
}

// environments are what a project has, with the slugs that are part of their
// keys (docs/protocol/model.md §1).
var environments = []environmentKind{
	{protocol.Production, "prod"},
	{protocol.Staging, "stg"},
	{protocol.Development, "dev"},
	{protocol.Preview, "prev"},
}

// maximumExecution is how long the executions of a run may take together
// (docs/protocol/execution.md §2.8).
const maximumExecution = 15 * time.Minute

// setUp makes the first organization, project and environments if there are
// none, sets the keys that are configured, and switches environments on and off.
func setUp(ctx context.Context, s *store.Store, config Config, switched switches) error {
	var made bool
	var replaced []protocol.EnvironmentType
	err := s.Update(ctx, func(tx *store.Tx) error {
		made, replaced = false, nil
		existing, err := tx.Environments()
		if err != nil {
			return err
		}
		if len(existing) == 0 {
			made = true
			if err := createProject(tx, config); err != nil {
				return err
			}
			return switchEnvironments(tx, switched)
		}
		for _, e := range existing {
			if key := config.APIKeys[e.Type]; key != "" && key != e.APIKey {
				if err := tx.SetAPIKey(e.ID, key); err != nil {
					return fmt.Errorf("set the key of %s: %w", e.Type, err)
				}
				replaced = append(replaced, e.Type)
			}
		}
		return switchEnvironments(tx, switched)
	})
	if err != nil {
		return fmt.Errorf("set up the environments: %w", err)
	}
	for _, kind := range replaced {
		config.Log.Warn("replaced the secret API key of an environment by the one that is configured; "+
			"from now on the old one is refused, and webhooks to callback URLs are signed by the new one", "environment", kind)
	}
	if !made {
		return nil
	}
	keys, err := keysOf(ctx, s)
	if err == nil {
		config.OnKeys(keys)
	}
	return err
}

// switchEnvironments records which environments are off. The schedules of one that is
// switched on again miss the ticks of meanwhile.
func switchEnvironments(tx *store.Tx, switched switches) error {
	all, err := tx.Environments()
	if err != nil {
		return err
	}
	for _, e := range all {
		why := switched.off[e.Type]
		if why == e.Off {
			continue
		}
		if err := tx.SwitchEnvironment(e.ID, why); err != nil {
			return fmt.Errorf("switch %s on or off: %w", e.Type, err)
		}
	}
	return nil
}

func createProject(tx *store.Tx, config Config) error {
	organization := model.Organization{
		ID: model.NewID(model.PrefixOrganization, tx.Now()), Title: "Runhook", Slug: "runhook-" + model.NewSecret(2),
		MaximumExecution: maximumExecution,
	}
	project := model.Project{ID: model.NewID(model.PrefixProject, tx.Now()), Name: "Default", Slug: "default-" + letters(4)}
	var fresh []store.NewEnvironment
	for _, e := range environments {
		key := config.APIKeys[e.kind]
		if key == "" {
			key = "tr_" + e.slug + "_" + letters(20)
		}
		fresh = append(fresh, store.NewEnvironment{
			Slug: e.slug, Type: e.kind, APIKey: key, PublicKey: "pk_" + e.slug + "_" + letters(20),
		})
	}
	return tx.CreateProject(organization, project, fresh)
}

// letters returns n random letters and digits.
func letters(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := make([]byte, n)
	for i := range text {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // crypto/rand never fails
		}
		text[i] = alphabet[k.Int64()]
	}
	return string(text)
}

func keysOf(ctx context.Context, s *store.Store) (keys []Key, err error) {
	err = s.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Environments()
		keys = keysIn(all)
		return err
	})
	return keys, err
}

func keysIn(environments []*model.Environment) []Key {
	keys := make([]Key, 0, len(environments))
	for _, e := range environments {
		keys = append(keys, Key{Environment: e.Type, Secret: e.APIKey, Public: e.PublicKey, Off: e.Off})
	}
	return keys
}

// Keys returns the keys of a database's environments, also while a server has it
// open. It makes nothing.
func Keys(ctx context.Context, config Config) ([]Key, error) {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return nil, err
	}
	options, err := storeOptions(config)
	if err != nil {
		return nil, err
	}
	environments, err := store.ReadEnvironments(ctx, options)
	return keysIn(environments), Explain(err, config.Database)
}

// SignInLink returns a link that signs in to the dashboard of the server at config's
// PublicURL, once and within dashboard.LinkLifetime, also while the server has the
// database open. It makes nothing there.
func SignInLink(ctx context.Context, config Config) (string, error) {
	config.setDefaults()
	if err := config.Validate(); err != nil {
		return "", err
	}
	options, err := storeOptions(config)
	if err != nil {
		return "", err
	}
	key, err := store.ReadSignInKey(ctx, options)
	if err != nil {
		return "", Explain(err, config.Database)
	}
	return dashboard.NewLink(config.PublicURL, key, config.Clock.Now()), nil
}

func openStore(ctx context.Context, config Config, monitor *health.Monitor) (*store.Store, error) {
	options, err := storeOptions(config)
	if err != nil {
		return nil, err
	}
	options.Health = monitor
	return store.Open(ctx, options)
}

// sharedClock returns nil for the database's clock. In a test that gives the server a
// clock, that is the database's, too.
func sharedClock(config Config) clock.Clock {
	if _, real := config.Clock.(clock.System); real {
		return nil
	}
	return config.Clock
}

func storeOptions(config Config) (store.Options, error) {
	options := store.Options{
		URL: config.Database, Opened: config.OpenedDatabase, Wrap: config.WrapDatabase, Clock: config.Clock, Log: config.Log,
		SharedClock: sharedClock(config),
	}
	if config.EncryptionKey == "" {
		return options, nil
	}
	var err error
	if options.MasterKey, err = store.ParseMasterKey(config.EncryptionKey); err != nil {
		return options, &FieldError{"EncryptionKey", err}
	}
	return options, nil
}
