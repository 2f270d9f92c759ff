package store

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const environmentQuery = `
SELECT e.id, e.slug, e.shortcode, e.type, e.api_key_encrypted, e.public_key_encrypted, e.off_because, e.created_at, e.updated_at,
       p.id, p.slug, p.name, o.id, o.slug, o.title, o.maximum_execution_ms
FROM environments e
JOIN projects p ON p.id = e.project_id
JOIN organizations o ON o.id = p.organization_id `

func (tx *Tx) scanEnvironment(rows database.Rows) (*model.Environment, error) {
	var e model.Environment
	var apiKey, publicKey string
	var off *string
	var created, updated, maximum int64
	if err := rows.Scan(&e.ID, &e.Slug, &e.Shortcode, &e.Type, &apiKey, &publicKey, &off, &created, &updated,
		&e.Project.ID, &e.Project.Slug, &e.Project.Name,
		&e.Organization.ID, &e.Organization.Slug, &e.Organization.Title, &maximum); err != nil {
		return nil, err
	}
	var err error
	if e.APIKey, err = tx.box.open(apiKey, apiKeyPlace(e.ID)); err != nil {
		return nil, err
	}
	if e.PublicKey, err = tx.box.open(publicKey, publicKeyPlace(e.ID)); err != nil {
		return nil, err
	}
	e.Off = textOrEmpty(off)
	e.CreatedAt, e.UpdatedAt = timeOf(created), timeOf(updated)
	e.Organization.MaximumExecution = time.Duration(maximum) * time.Millisecond
	return &e, nil
}

func apiKeyPlace(environmentID string) string    { return "environments.api_key/" + environmentID }
func publicKeyPlace(environmentID string) string { return "environments.public_key/" + environmentID }

// Environments returns every environment, oldest first.
func (tx *Tx) Environments() ([]*model.Environment, error) {
	return collect(tx, environmentQuery+`ORDER BY e.id`, nil, tx.scanEnvironment)
}

// NewEnvironment is what CreateProject makes an environment from.
type NewEnvironment struct {
	Slug              string
	Type              protocol.EnvironmentType
	APIKey, PublicKey string
}

// CreateProject makes an organization with one project and its environments.
func (tx *Tx) CreateProject(organization model.Organization, project model.Project, environments []NewEnvironment) error {
	now := micros(tx.now)
	if _, err := tx.conn.Exec(`
		INSERT INTO organizations (id, slug, title, maximum_execution_ms, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $5)`,
		organization.ID, organization.Slug, organization.Title, organization.MaximumExecution.Milliseconds(), now); err != nil {
		return err
	}
	if _, err := tx.conn.Exec(`
		INSERT INTO projects (id, organization_id, slug, name, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $5)`,
		project.ID, organization.ID, project.Slug, project.Name, now); err != nil {
		return err
	}
	for _, e := range environments {
		id := model.NewID(model.PrefixEnvironment, tx.now)
		if _, err := tx.conn.Exec(`
			INSERT INTO environments (id, project_id, slug, shortcode, type, api_key_hash, api_key_encrypted,
			                          public_key_hash, public_key_encrypted, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
			id, project.ID, e.Slug, shortcode(e.Slug, id), string(e.Type),
			hashKey(e.APIKey), tx.box.seal(e.APIKey, apiKeyPlace(id)),
			hashKey(e.PublicKey), tx.box.seal(e.PublicKey, publicKeyPlace(id)), now); err != nil {
			return err
		}
	}
	return nil
}

// shortcode returns what stands for an environment in addresses that other services
// are given: its slug, which is its own in the project, and the end of its id, as the
// migration made it for those that were there.
func shortcode(slug, id string) string { return slug + "-" + id[len(id)-6:] }

// SetAPIKey replaces the secret key of an environment. The old one stops
// working, on other processes within the time that they remember environments.
func (tx *Tx) SetAPIKey(environmentID, key string) error {
	tx.AfterCommit(tx.cache.forget)
	_, err := tx.conn.Exec(`
		UPDATE environments SET api_key_hash = $1, api_key_encrypted = $2, updated_at = $3 WHERE id = $4`,
		hashKey(key), tx.box.seal(key, apiKeyPlace(environmentID)), micros(tx.now), environmentID)
	return err
}

// SwitchEnvironment switches an environment off for a reason, or on if that is empty.
// What runs of its own accord is then due at once, to be looked at: its schedules
// have no tick while it is off.
func (tx *Tx) SwitchEnvironment(environmentID, off string) error {
	tx.AfterCommit(tx.cache.forget)
	if _, err := tx.conn.Exec(`UPDATE environments SET off_because = $1, updated_at = $2 WHERE id = $3`,
		textOrNull(off), micros(tx.now), environmentID); err != nil || off != "" {
		return err
	}
	return tx.SkipTicksOfEnvironment(environmentID)
}

// EnvironmentsOff returns the ids of the environments that are switched off.
func (tx *Tx) EnvironmentsOff() ([]string, error) {
	return collect(tx, `SELECT id FROM environments WHERE off_because IS NOT NULL ORDER BY id`, nil, scanString)
}

// ReasonsOff returns why environments are switched off, by their type.
func (tx *Tx) ReasonsOff() (map[protocol.EnvironmentType]string, error) {
	reasons := map[protocol.EnvironmentType]string{}
	_, err := collect(tx, `SELECT type, off_because FROM environments WHERE off_because IS NOT NULL`, nil, func(rows database.Rows) (struct{}, error) {
		var kind, why string
		err := rows.Scan(&kind, &why)
		reasons[protocol.EnvironmentType(kind)] = why
		return struct{}{}, err
	})
	return reasons, err
}

// environmentLifetime is how long a process trusts what it knows of an
// environment, and so how long a replaced key may still work elsewhere.
const environmentLifetime = 5 * time.Second

// environmentCache remembers environments by what they are looked up by.
type environmentCache struct {
	mu      sync.RWMutex
	entries map[string]cachedEnvironment
	// generation counts how often everything was forgotten, so that what was read
	// before that is not remembered after it.
	generation int
}

type cachedEnvironment struct {
	environment *model.Environment
	until       time.Time
}

// environmentCacheSize bounds the cache; there are few environments, so it is
// only reached by someone guessing.
const environmentCacheSize = 10_000

func (c *environmentCache) find(key string) (cached cachedEnvironment, ok bool, generation int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	cached, ok = c.entries[key]
	return cached, ok, c.generation
}

func (c *environmentCache) remember(key string, environment cachedEnvironment, generation int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if c.entries == nil || len(c.entries) >= environmentCacheSize {
		c.entries = make(map[string]cachedEnvironment)
	}
	c.entries[key] = environment
}

func (c *environmentCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = nil
	c.generation++
}

// EnvironmentByKey returns the environment that a key is for. A public key is
// accepted only where allowPublic is true. An unknown key gives a
// [model.Unauthorized] error.
func (s *Store) EnvironmentByKey(ctx context.Context, key string, allowPublic bool) (*model.Environment, error) {
	column := "api_key_hash"
	if strings.HasPrefix(key, "pk_") {
		if !allowPublic {
			return nil, model.Errorf(model.Unauthorized, "Invalid or Missing API key")
		}
		column = "public_key_hash"
	}
	environment, err := s.environment(ctx, column, hashKey(key))
	if err != nil {
		return nil, err
	}
	if environment == nil {
		return nil, model.Errorf(model.Unauthorized, "Invalid or Missing API key")
	}
	return environment, nil
}

// EnvironmentByID returns an environment; an unknown id gives a
// [model.NotFound] error.
func (s *Store) EnvironmentByID(ctx context.Context, id string) (*model.Environment, error) {
	environment, err := s.environment(ctx, "id", id)
	if err != nil {
		return nil, err
	}
	if environment == nil {
		return nil, model.Errorf(model.NotFound, "Environment %s not found", id)
	}
	return environment, nil
}

func (s *Store) environment(ctx context.Context, column, value string) (*model.Environment, error) {
	key, now := column+"="+value, s.clock.Now()
	cached, ok, generation := s.cache.find(key)
	if ok && now.Before(cached.until) {
		return cached.environment, nil
	}
	var environment *model.Environment
	err := s.View(ctx, func(tx *Tx) (err error) {
		environment, _, err = first(tx, environmentQuery+`WHERE e.`+column+` = $1`, []any{value}, tx.scanEnvironment)
		return err
	})
	if err != nil || environment == nil {
		return nil, err
	}
	s.cache.remember(key, cachedEnvironment{environment, now.Add(environmentLifetime)}, generation)
	return environment, nil
}
