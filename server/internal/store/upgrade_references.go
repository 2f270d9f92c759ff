package store

import (
	"bytes"
	"context"
	"fmt"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// sealedSetting says that what was kept before has references in place of secrets.
const sealedSetting = "secret_references"

// sealKept puts references in place of the secrets that a version before kept in
// clear. It reads the tables of runs once, page by page, and can be broken off.
func (s *Store) sealKept(ctx context.Context) error {
	done := false
	err := s.View(ctx, func(tx *Tx) (err error) {
		_, done, err = tx.Setting(sealedSetting)
		return err
	})
	if err != nil || done {
		return err
	}
	secrets, err := s.knownSecrets(ctx)
	if err != nil {
		return err
	}
	changed := 0
	if len(secrets) > 0 {
		all := byEnvironment(secrets)
		for _, t := range tablesWithSecrets {
			n, err := s.sealTable(ctx, t, all)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
			changed += n
		}
	}
	if changed > 0 {
		if err := s.rewriteFile(ctx); err != nil {
			return fmt.Errorf("write the file anew, without what was in it: %w", err)
		}
	}
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.conn.Exec(`INSERT INTO settings (name, value) VALUES ($1, 'done') ON CONFLICT (name) DO NOTHING`, sealedSetting)
		return err
	})
}

// rewriteFile leaves nothing in a SQLite file of what rows held before; in PostgreSQL
// that is not for us to do.
func (s *Store) rewriteFile(ctx context.Context) error {
	if !s.Exclusive() {
		return nil
	}
	handle, err := s.db.OpenSQL(ctx)
	if err != nil {
		return err
	}
	defer handle.Close()
	for _, statement := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := handle.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// secretsByEnvironment holds secrets so that those that the server has made are found
// at once, however many there are.
type secretsByEnvironment map[string]*environmentSecrets

type environmentSecrets struct {
	// made has what refers to a secret, by the secret.
	made   map[string]string
	others []knownSecret
}

func byEnvironment(known []knownSecret) secretsByEnvironment {
	all := secretsByEnvironment{}
	for _, k := range known {
		of := all[k.environmentID]
		if of == nil {
			of = &environmentSecrets{made: map[string]string{}}
			all[k.environmentID] = of
		}
		if hashMade(k.secret) != nil {
			of.made[k.secret] = k.to
		} else if k.secret != "" {
			of.others = append(of.others, k)
		}
	}
	return all
}

// in returns the secrets of an environment that are in a text.
func (s secretsByEnvironment) in(environmentID string, text []byte) (found []knownSecret) {
	of := s[environmentID]
	if of == nil {
		return nil
	}
	for _, candidate := range model.LikeMadeSecrets(text) {
		if to, ok := of.made[candidate]; ok {
			found = append(found, knownSecret{environmentID, candidate, to})
		}
	}
	for _, k := range of.others {
		if bytes.Contains(text, []byte(jsonInner(k.secret))) {
			found = append(found, k)
		}
	}
	return found
}

// knownSecret is a secret and what a reference to it refers to, in an environment.
type knownSecret struct{ environmentID, secret, to string }

// knownSecrets returns the secrets of sources and HTTP endpoints, those that
// environments had in common among them, and records the hashes of all.
func (s *Store) knownSecrets(ctx context.Context) (known []knownSecret, err error) {
	type row struct{ environmentID, id, sealed, shared string }
	scan := func(rows database.Rows) (r row, err error) {
		err = rows.Scan(&r.environmentID, &r.id, &r.sealed, &r.shared)
		return r, err
	}
	err = s.Update(ctx, func(tx *Tx) error {
		known = nil
		sources, err := collect(tx, `SELECT environment_id, id, secret_encrypted, '' FROM trigger_sources WHERE secret_encrypted <> '' ORDER BY id`, nil, scan)
		if err != nil {
			return err
		}
		for _, r := range sources {
			secret, err := tx.box.open(r.sealed, triggerSourceSecretPlace(r.id))
			if err != nil {
				return err
			}
			known = append(known, knownSecret{r.environmentID, secret, holdsSecret + secret})
			if err := tx.conn.Queue(`UPDATE trigger_sources SET secret_hash = $1 WHERE id = $2`, []any{hashMade(secret), r.id}, nil); err != nil {
				return err
			}
		}
		endpoints, err := collect(tx, `
			SELECT x.environment_id, x.http_endpoint_id, x.secret_encrypted, h.secret_encrypted
			FROM http_endpoint_environments x JOIN http_endpoints h ON h.id = x.http_endpoint_id
			WHERE x.secret_encrypted IS NOT NULL ORDER BY x.http_endpoint_id, x.environment_id`, nil, scan)
		if err != nil {
			return err
		}
		for _, r := range endpoints {
			secret, err := tx.box.open(r.sealed, httpEndpointSecretPlace(r.id, r.environmentID))
			if err != nil {
				return err
			}
			to := refersToHTTPEndpoint + r.id
			known = append(known, knownSecret{r.environmentID, secret, to})
			if r.shared == "" {
				continue
			}
			if secret, err = tx.box.open(r.shared, "http_endpoints.secret/"+r.id); err != nil {
				return err
			}
			known = append(known, knownSecret{r.environmentID, secret, to})
		}
		return nil
	})
	return known, err
}

// sealable is a table in which secrets may stand in clear.
type sealable struct {
	name string
	// key identifies a row, and environment is where its environment stands.
	key, environment string
	columns          []string
	// from is the table with what it takes to know the environment.
	from string
}

var tablesWithSecrets = []sealable{
	{"events", "x.id", "x.environment_id", []string{"payload", "context"}, "events x"},
	{"tasks", "x.id", "x.environment_id", []string{"params", "output", "shown_params"}, "tasks x"},
	{"runs", "x.id", "x.environment_id", []string{"output"}, "runs x"},
	{"notification_bodies", "x.id", "n.environment_id", []string{"body"}, "notification_bodies x JOIN notifications n ON n.id = x.id"},
}

// sealPage is how many rows are looked at in one transaction.
const sealPage = 500

// sealTable returns how many rows of a table it has changed.
func (s *Store) sealTable(ctx context.Context, t sealable, secrets secretsByEnvironment) (changed int, err error) {
	after := ""
	for more := true; more; {
		inPage := 0
		from := after
		err := s.Update(ctx, func(tx *Tx) error {
			rows, err := t.page(tx, from)
			if err != nil {
				return err
			}
			inPage, more = 0, len(rows) == sealPage
			for _, r := range rows {
				after = r.key
				sealed, err := t.seal(tx, r, secrets)
				if err != nil {
					return err
				}
				if sealed {
					inPage++
				}
			}
			return nil
		})
		if err != nil {
			return changed, err
		}
		changed += inPage
	}
	return changed, nil
}

// textRow is a row with the texts of its columns.
type textRow struct {
	key, environmentID string
	texts              []*string
}

func (t sealable) page(tx *Tx, after string) ([]textRow, error) {
	columns, likes := "", ""
	for i, column := range t.columns {
		columns += ", x." + column
		if i > 0 {
			likes += " OR "
		}
		likes += "x." + column + " LIKE '%secret%'"
	}
	return collect(tx, `SELECT `+t.key+`, `+t.environment+columns+` FROM `+t.from+` WHERE `+t.key+` > $1 AND (`+likes+`) ORDER BY `+t.key+` LIMIT $2`,
		[]any{after, sealPage}, func(rows database.Rows) (r textRow, err error) {
			r.texts = make([]*string, len(t.columns))
			into := []any{&r.key, &r.environmentID}
			for i := range r.texts {
				into = append(into, &r.texts[i])
			}
			err = rows.Scan(into...)
			return r, err
		})
}

func (t sealable) seal(tx *Tx, r textRow, secrets secretsByEnvironment) (sealed bool, err error) {
	for i, text := range r.texts {
		if text == nil {
			continue
		}
		kept := []byte(*text)
		for _, known := range secrets.in(r.environmentID, kept) {
			with := tx.reference(known.environmentID, known.to)
			if t.name == "notification_bodies" {
				with = model.HiddenSecret // it is for people, and sent as it is
			}
			kept = bytes.ReplaceAll(kept, []byte(jsonInner(known.secret)), []byte(with))
		}
		if string(kept) == *text {
			continue
		}
		sealed = true
		err := tx.conn.Queue(`UPDATE `+t.name+` SET `+t.columns[i]+` = $1 WHERE id = $2`, []any{string(kept), r.key}, nil)
		if err != nil {
			return false, err
		}
	}
	return sealed, nil
}
