package store

import (
	"context"
	"fmt"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// upgrade does what migrations cannot, because it takes the encryption key. Each
// step finds nothing to do once it was done, whichever process did it.
func (s *Store) upgrade(ctx context.Context) error {
	if err := s.separateSecrets(ctx); err != nil {
		return fmt.Errorf("give each environment secrets of its own for HTTP endpoints: %w", err)
	}
	if err := s.sealKept(ctx); err != nil {
		return fmt.Errorf("put references in place of the secrets of HTTP endpoints and sources: %w", err)
	}
	if err := s.rememberAllGiven(ctx); err != nil {
		return fmt.Errorf("remember the secrets that apps have chosen for their sources: %w", err)
	}
	return nil
}

// sharedSecret is an HTTP endpoint in an environment that has no secret of its own
// yet, and the one that all environments of its project had.
type sharedSecret struct {
	httpEndpointID, environmentID string
	environmentType               protocol.EnvironmentType
	sealed                        string
}

// separateSecrets gives each environment a secret of its own for each HTTP endpoint.
// PRODUCTION keeps the one that all had, so that what is registered with other
// services keeps working; in the others, apps are asked to register their webhooks
// again.
func (s *Store) separateSecrets(ctx context.Context) error {
	find := func(tx *Tx) ([]sharedSecret, error) {
		return collect(tx, `
			SELECT x.http_endpoint_id, x.environment_id, v.type, h.secret_encrypted
			FROM http_endpoint_environments x
			JOIN http_endpoints h ON h.id = x.http_endpoint_id
			JOIN environments v ON v.id = x.environment_id
			WHERE x.secret_encrypted IS NULL ORDER BY x.http_endpoint_id, x.environment_id`, nil,
			func(rows database.Rows) (f sharedSecret, err error) {
				err = rows.Scan(&f.httpEndpointID, &f.environmentID, &f.environmentType, &f.sealed)
				return f, err
			})
	}
	var found []sharedSecret
	err := s.View(ctx, func(tx *Tx) (err error) {
		found, err = find(tx)
		return err
	})
	if err != nil || len(found) == 0 {
		return err
	}
	return s.Update(ctx, func(tx *Tx) error {
		found, err := find(tx)
		if err != nil {
			return err
		}
		kept, reindexed := map[string]bool{}, map[string]bool{}
		for _, f := range found {
			keep := f.environmentType == protocol.Production && !kept[f.httpEndpointID] && f.sealed != ""
			if keep {
				kept[f.httpEndpointID] = true
			}
			if err := tx.separateSecret(f, keep, reindexed); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *Tx) separateSecret(f sharedSecret, keep bool, reindexed map[string]bool) error {
	const secretBytes = 32
	secret := model.NewSecret(secretBytes)
	if keep {
		var err error
		if secret, err = tx.box.open(f.sealed, "http_endpoints.secret/"+f.httpEndpointID); err != nil {
			return err
		}
	}
	changed, err := tx.conn.Exec(`
		UPDATE http_endpoint_environments SET secret_encrypted = $1, secret_hash = $2
		WHERE http_endpoint_id = $3 AND environment_id = $4 AND secret_encrypted IS NULL`,
		tx.box.seal(secret, httpEndpointSecretPlace(f.httpEndpointID, f.environmentID)), hashMade(secret), f.httpEndpointID, f.environmentID)
	if err != nil || changed == 0 || keep {
		return err
	}
	return tx.registerAgain(f, reindexed)
}

// registerAgain has the webhooks at an HTTP endpoint registered with its new secret:
// their apps are indexed once more, which asks for it.
func (tx *Tx) registerAgain(f sharedSecret, reindexed map[string]bool) error {
	// No digest of an address and params is this text, so that they count as changed.
	apps, err := collect(tx, `
		UPDATE webhooks SET registered_with = 'with another secret', registrations = 0, register_after = NULL, updated_at = $1
		WHERE http_endpoint_id = $2 AND environment_id = $3 AND listed
		RETURNING endpoint_id`, []any{micros(tx.now), f.httpEndpointID, f.environmentID}, scanString)
	if err != nil {
		return err
	}
	for _, app := range apps {
		if reindexed[app] {
			continue
		}
		reindexed[app] = true
		err := tx.InsertIndex(model.EndpointIndex{
			ID: model.NewID(model.PrefixEndpointIndex, tx.now), EnvironmentID: f.environmentID, EndpointID: app,
			Source: model.IndexFromRegister, Reason: "The secrets of webhooks are now those of an environment", Status: model.IndexPending,
		}, tx.now)
		if err != nil {
			return err
		}
	}
	return nil
}
