package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

// Secrets of HTTP endpoints and sources are sent to apps, in events that ask them to
// register something, and come back in what the apps keep of their runs. None of that
// is kept in clear: a reference stands for the secret, and is replaced by it when an
// app is called ([Tx.OpenSecrets]). References are encrypted and bound to their
// environment, so that no caller can forge one to read a secret.

// The kinds of references, which is how their sealed part begins.
const (
	// refersToHTTPEndpoint is followed by the id of an HTTP endpoint, whose secret in
	// the environment it is.
	refersToHTTPEndpoint = "h:"
	// holdsSecret is followed by the secret itself: an app gives a source another one
	// during the run that received the first, and must receive the same again.
	holdsSecret = "v:"
)

func referencePlace(environmentID string) string { return "secret reference/" + environmentID }

// HTTPEndpointReference returns what stands for the secret of an HTTP endpoint in an
// environment.
func (tx *Tx) HTTPEndpointReference(environmentID, id string) string {
	return tx.reference(environmentID, refersToHTTPEndpoint+id)
}

// SecretReference returns what stands for a secret in what an environment keeps.
func (tx *Tx) SecretReference(environmentID, secret string) string {
	return tx.reference(environmentID, holdsSecret+secret)
}

func (tx *Tx) reference(environmentID, to string) string {
	sealed := tx.box.aead.Seal(nil, nil, []byte(to), []byte(referencePlace(environmentID)))
	return model.SecretReference(base64.RawURLEncoding.EncodeToString(sealed))
}

// OpenSecrets returns a text of an environment with the secrets in place of their
// references, for an app of the environment alone. What is no reference of the
// environment stays.
func (tx *Tx) OpenSecrets(environmentID string, text []byte) (opened []byte, err error) {
	opened = model.ReplaceSecretReferences(text, func(sealed string) (string, bool) {
		ciphertext, decodeErr := base64.RawURLEncoding.DecodeString(sealed)
		if decodeErr != nil || err != nil {
			return "", false
		}
		to, openErr := tx.box.aead.Open(nil, nil, ciphertext, []byte(referencePlace(environmentID)))
		if openErr != nil {
			return "", false
		}
		var secret string
		secret, err = tx.referredTo(environmentID, string(to))
		return jsonInner(secret), err == nil
	})
	return opened, err
}

// referredTo returns the secret that a reference refers to; empty if it is gone.
func (tx *Tx) referredTo(environmentID, to string) (secret string, err error) {
	if id, ok := strings.CutPrefix(to, refersToHTTPEndpoint); ok {
		secret, _, err = tx.HTTPEndpointSecret(id, environmentID)
		return secret, err
	}
	return strings.TrimPrefix(to, holdsSecret), nil
}

// OpenSecrets is [Tx.OpenSecrets] in a transaction of its own, if the text has
// references at all.
func (s *Store) OpenSecrets(ctx context.Context, environmentID string, text []byte) ([]byte, error) {
	if !model.HasSecretReference(text) {
		return text, nil
	}
	var opened []byte
	err := s.View(ctx, func(tx *Tx) (err error) {
		opened, err = tx.OpenSecrets(environmentID, text)
		return err
	})
	return opened, err
}

// SealSecrets returns a text with references in place of the secrets in it that the
// server has made. It looks for them only if there is something like one.
func (tx *Tx) SealSecrets(text []byte) ([]byte, error) {
	candidates := model.LikeMadeSecrets(text)
	if len(candidates) == 0 {
		return text, nil
	}
	byHash := map[string]string{}
	hashes := make([]string, len(candidates))
	for i, candidate := range candidates {
		hashes[i] = hashKey(candidate)
		byHash[hashes[i]] = candidate
	}
	in := tx.conn.Dialect().InList("$1")
	type known struct{ hash, environmentID string }
	found, err := collect(tx, `
		SELECT secret_hash, environment_id FROM http_endpoint_environments WHERE secret_hash `+in+`
		UNION ALL
		SELECT secret_hash, environment_id FROM trigger_sources WHERE secret_hash `+in,
		[]any{jsonList(hashes)}, func(rows database.Rows) (k known, err error) {
			err = rows.Scan(&k.hash, &k.environmentID)
			return k, err
		})
	for _, k := range found {
		secret := byHash[k.hash]
		text = bytes.ReplaceAll(text, []byte(secret), []byte(tx.SecretReference(k.environmentID, secret)))
	}
	return text, err
}

// SealMembers returns a JSON object with references in place of the texts that paths
// name, such as "secret" or "auth.token". Others stay as they are.
func (tx *Tx) SealMembers(environmentID string, text []byte, paths []string) []byte {
	for _, path := range paths {
		raw, value, ok := memberAt(text, strings.Split(path, "."))
		if ok && value != "" {
			text = bytes.ReplaceAll(text, raw, []byte(`"`+tx.SecretReference(environmentID, value)+`"`))
		}
	}
	return text
}

// memberAt returns the text at a path of a JSON object, as it is written and what it
// says.
func memberAt(text []byte, path []string) (raw []byte, value string, ok bool) {
	const deepest = 16
	if len(path) > deepest {
		return nil, "", false
	}
	for _, name := range path {
		var members map[string]json.RawMessage
		if json.Unmarshal(text, &members) != nil {
			return nil, "", false
		}
		if text, ok = members[name]; !ok {
			return nil, "", false
		}
	}
	return text, value, json.Unmarshal(text, &value) == nil && len(text) > 0 && text[0] == '"'
}

// hashMade returns the hash by which a secret is recognised that the server made; nil
// for others, as one that is short could be guessed from its hash.
func hashMade(secret string) any {
	if found := model.LikeMadeSecrets([]byte(secret)); len(found) != 1 || found[0] != secret {
		return nil
	}
	return hashKey(secret)
}

// jsonInner returns a text as it stands between the quotes of a JSON string.
func jsonInner(text string) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(text) != nil {
		return ""
	}
	inner := strings.TrimSuffix(buffer.String(), "\n")
	return inner[1 : len(inner)-1]
}

// HideSecrets returns a text of an environment as people are shown it: without the
// references to its secrets. What only looks like one stays.
func (tx *Tx) HideSecrets(environmentID string, text []byte) []byte {
	return tx.box.hideSecrets(environmentID, text)
}

// HideSecrets is [Tx.HideSecrets], for texts that have been read already.
func (s *Store) HideSecrets(environmentID string, text []byte) []byte {
	return s.box.hideSecrets(environmentID, text)
}

func (b *box) hideSecrets(environmentID string, text []byte) []byte {
	return model.ReplaceSecretReferences(text, func(sealed string) (string, bool) {
		ciphertext, err := base64.RawURLEncoding.DecodeString(sealed)
		if err == nil {
			_, err = b.aead.Open(nil, nil, ciphertext, []byte(referencePlace(environmentID)))
		}
		return model.HiddenSecret, err == nil
	})
}

// SealRegistration puts a reference in place of a secret that an app gave a source, in
// the tasks of the runs that registered it.
func (tx *Tx) SealRegistration(source model.TriggerSource, secret string) error {
	tasks, err := collect(tx, `
		SELECT `+taskColumns+` FROM tasks WHERE run_id IN (
			SELECT r.id FROM trigger_sources s
			JOIN events e ON e.environment_id = s.environment_id AND e.event_id = s.registration_event
			JOIN runs r ON r.event_id = e.id
			WHERE s.id = $1) ORDER BY id`, []any{source.ID}, scanTask)
	if err != nil {
		return err
	}
	inner, reference := []byte(jsonInner(secret)), []byte(tx.SecretReference(source.EnvironmentID, secret))
	for _, t := range tasks {
		texts := []any{nil, nil, nil}
		changed := false
		for i, text := range [][]byte{t.Params, t.Output, t.ShownParams} {
			sealed := bytes.ReplaceAll(text, inner, reference)
			changed = changed || !bytes.Equal(sealed, text)
			texts[i] = jsonOrNull(sealed)
			if text == nil {
				texts[i] = nil
			}
		}
		if !changed {
			continue
		}
		err := tx.conn.Queue(`UPDATE tasks SET params = $1, output = $2, shown_params = $3 WHERE id = $4`, append(texts, t.ID), nil)
		if err != nil {
			return err
		}
	}
	return nil
}
