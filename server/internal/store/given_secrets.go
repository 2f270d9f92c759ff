package store

import (
	"context"
	"sync"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/secretscan"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Secrets that apps choose for their sources are kept in a table of their own, encrypted,
// so that they are recognised in what their environment keeps. What the server makes
// needs none: it is recognised by its form and its hash.

const (
	// givenOfSource is how many secrets of a source are looked for: those before the last
	// may be in use by runs that are under way.
	givenOfSource = 4
	// mostGiven is how many of an environment are looked for, the newest first.
	mostGiven = 10_000
	// givenTrusted is how long a process trusts what it knows of them where others write
	// to the database, too.
	givenTrusted = time.Second
)

func givenSecretPlace(id string) string { return "given_secrets.secret/" + id }

// givenSecrets remembers the secrets of environments, ready to be looked for. A nil one
// remembers nothing: a view may see what is out of date by now.
type givenSecrets struct {
	mu            sync.Mutex
	byEnvironment map[string]given
	// generation counts how often something was forgotten, so that what was read before
	// that is not remembered after it.
	generation int
}

type given struct {
	set *secretscan.Set
	// number is how often one was added, and checked when that was looked for.
	number  int64
	checked time.Time
}

func (g *givenSecrets) find(environmentID string) (known given, found bool, generation int) {
	if g == nil {
		return known, false, 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	known, found = g.byEnvironment[environmentID]
	return known, found, g.generation
}

func (g *givenSecrets) remember(environmentID string, known given, generation int) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if generation != g.generation {
		return
	}
	if g.byEnvironment == nil {
		g.byEnvironment = map[string]given{}
	}
	g.byEnvironment[environmentID] = known
}

func (g *givenSecrets) forget(environmentID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.byEnvironment, environmentID)
	g.generation++
}

// givenTo returns the secrets that apps of an environment have chosen.
func (tx *Tx) givenTo(environmentID string) (*secretscan.Set, error) {
	known, found, generation := tx.given.find(environmentID)
	if found && (tx.conn.Dialect().Exclusive || tx.now.Sub(known.checked).Abs() < givenTrusted) {
		return known.set, nil
	}
	number, _, err := first(tx, `SELECT number FROM secret_sweeps WHERE environment_id = $1`, []any{environmentID}, scanInteger)
	if err != nil {
		return nil, err
	}
	if !found || number != known.number {
		known = given{number: number, set: new(secretscan.Set)}
		if number > 0 {
			secrets, err := tx.openGiven(`environment_id = $1 ORDER BY id DESC LIMIT $2`, environmentID, mostGiven)
			if err != nil {
				return nil, err
			}
			known.set = secretscan.New(secrets)
		}
	}
	known.checked = tx.now
	tx.given.remember(environmentID, known, generation)
	return known.set, nil
}

// openGiven returns the secrets that a condition selects.
func (tx *Tx) openGiven(where string, args ...any) ([]string, error) {
	return collect(tx, `SELECT id, secret_encrypted FROM given_secrets WHERE `+where, args, func(rows database.Rows) (string, error) {
		var id, sealed string
		if err := rows.Scan(&id, &sealed); err != nil {
			return "", err
		}
		return tx.box.open(sealed, givenSecretPlace(id))
	})
}

// rememberGiven has a secret that an app chose be recognised from now on, and what its
// environment has kept until now be looked through for it.
func (tx *Tx) rememberGiven(environmentID, sourceID, secret string) error {
	if len(secret) < secretscan.Shortest {
		return nil
	}
	before, err := tx.openGiven(`source_id = $1 ORDER BY id DESC LIMIT $2`, sourceID, givenOfSource)
	if err != nil {
		return err
	}
	if len(before) > 0 && before[0] == secret {
		return nil
	}
	id := model.NewID(model.PrefixGivenSecret, tx.now)
	if _, err := tx.conn.Exec(`INSERT INTO given_secrets (id, environment_id, source_id, secret_encrypted, created_at) VALUES ($1, $2, $3, $4, $5)`,
		id, environmentID, sourceID, tx.box.seal(secret, givenSecretPlace(id)), micros(tx.now)); err != nil {
		return err
	}
	old, found, err := first(tx, `SELECT id FROM given_secrets WHERE source_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2`, []any{sourceID, givenOfSource}, scanString)
	if err != nil {
		return err
	}
	if found {
		if err := tx.conn.Queue(`DELETE FROM given_secrets WHERE source_id = $1 AND id <= $2`, []any{sourceID, old}, nil); err != nil {
			return err
		}
	}
	// Another transaction may follow this one before both are on disk.
	tx.given.forget(environmentID)
	tx.AfterCommit(func() { tx.given.forget(environmentID) })
	return tx.sweepSecrets(environmentID)
}

// givenSetting says that the secrets which apps chose before are remembered.
const givenSetting = "given_secrets"

// rememberAllGiven remembers the secrets that apps chose before there was a place for
// them.
func (s *Store) rememberAllGiven(ctx context.Context) error {
	const page = 500
	for after, more := "", true; more; {
		from := after
		err := s.Update(ctx, func(tx *Tx) error {
			_, done, err := tx.Setting(givenSetting)
			if err != nil || done {
				more = false
				return err
			}
			type source struct{ id, environmentID, sealed string }
			sources, err := collect(tx, `SELECT id, environment_id, secret_encrypted FROM trigger_sources WHERE id > $1 ORDER BY id LIMIT $2`,
				[]any{from, page}, func(rows database.Rows) (s source, err error) {
					err = rows.Scan(&s.id, &s.environmentID, &s.sealed)
					return s, err
				})
			if err != nil {
				return err
			}
			for _, s := range sources {
				after = s.id
				secret, err := tx.box.open(s.sealed, triggerSourceSecretPlace(s.id))
				if err != nil {
					return err
				}
				if hashMade(secret) != nil {
					continue
				}
				if err := tx.rememberGiven(s.environmentID, s.id, secret); err != nil {
					return err
				}
			}
			if more = len(sources) == page; more {
				return nil
			}
			_, err = tx.conn.Exec(`INSERT INTO settings (name, value) VALUES ($1, 'done') ON CONFLICT (name) DO NOTHING`, givenSetting)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
