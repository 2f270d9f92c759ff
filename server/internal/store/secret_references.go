package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/secretscan"
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
	// holdsBytes is followed by a secret as it was written in what is no JSON.
	holdsBytes = "b:"
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
		if secret, ok := strings.CutPrefix(string(to), holdsBytes); ok {
			return secret, true
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

// SealSecrets returns JSON that an environment keeps with references in place of the
// secrets in it: those that the server has made, of which it looks for one only if there
// is something like it, and those that apps of the environment have chosen.
func (tx *Tx) SealSecrets(environmentID string, text []byte) ([]byte, error) {
	text, err := tx.sealMade("", text)
	if err != nil {
		return text, err
	}
	return tx.sealGiven(environmentID, text, (*secretscan.Set).JSON, holdsSecret)
}

// SealText is [Tx.SealSecrets] for a text that becomes part of JSON later.
func (tx *Tx) SealText(environmentID, text string) (string, error) {
	sealed, err := tx.sealMade("", []byte(text))
	if err == nil {
		sealed, err = tx.sealGiven(environmentID, sealed, (*secretscan.Set).Plain, holdsSecret)
	}
	return string(sealed), err
}

// SealBytes is [Tx.SealSecrets] for what is no JSON, or must stay as it is written, to
// the byte. Secrets of other environments stay, as none of their references is opened.
func (tx *Tx) SealBytes(environmentID string, raw []byte) ([]byte, error) {
	sealed, err := tx.sealMade(environmentID, raw)
	if err != nil {
		return sealed, err
	}
	return tx.sealGiven(environmentID, sealed, (*secretscan.Set).Plain, holdsBytes)
}

// sealMade puts references in place of secrets that the server has made, for an
// environment or, if that is empty, for any.
func (tx *Tx) sealMade(only string, text []byte) ([]byte, error) {
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
		if only != "" && k.environmentID != only {
			continue
		}
		secret := byHash[k.hash]
		text = bytes.ReplaceAll(text, []byte(secret), []byte(tx.SecretReference(k.environmentID, secret)))
	}
	return text, err
}

// sealGiven puts references, of a kind, in place of secrets that apps have chosen.
func (tx *Tx) sealGiven(environmentID string, text []byte, find func(*secretscan.Set, []byte) []secretscan.Span, kind string) ([]byte, error) {
	if len(text) < secretscan.Shortest {
		return text, nil
	}
	set, err := tx.givenTo(environmentID)
	if err != nil || set.Empty() {
		return text, err
	}
	found := find(set, text)
	if len(found) == 0 {
		return text, nil
	}
	references := model.SecretReferences(text, func(sealed string) bool { return tx.box.refers(environmentID, sealed) })
	var sealed []byte
	at := 0
	for _, span := range found {
		for len(references) > 0 && references[0].To <= span.From {
			references = references[1:]
		}
		if len(references) > 0 && references[0].From < span.To {
			continue // it is in what is sealed already
		}
		sealed = append(append(sealed, text[at:span.From]...), tx.reference(environmentID, kind+span.Text)...)
		at = span.To
	}
	return append(sealed, text[at:]...), nil
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
		return model.HiddenSecret, b.refers(environmentID, sealed)
	})
}

// refers reports whether what a text says is sealed is a reference of an environment.
func (b *box) refers(environmentID, sealed string) bool {
	ciphertext, err := base64.RawURLEncoding.DecodeString(sealed)
	if err == nil {
		_, err = b.aead.Open(nil, nil, ciphertext, []byte(referencePlace(environmentID)))
	}
	return err == nil
}

// SealRegistration puts references in place of a source's secrets in what the runs that
// registered it have kept, which is where a new one comes from. What else the environment
// has kept is looked through later ([Tx.SweepSecrets]).
func (tx *Tx) SealRegistration(source model.TriggerSource) error {
	const runs = `(SELECT r.id FROM events e JOIN runs r ON r.event_id = e.id WHERE e.environment_id = $1 AND e.event_id = $2)`
	for _, t := range []struct {
		sweepable
		run string
	}{{sweptTasks, "x.run_id"}, {sweptRuns, "x.id"}, {sweptStatuses, "x.run_id"}} {
		rows, err := t.rows(tx, t.run+` IN `+runs+` ORDER BY `+t.run, []any{source.EnvironmentID, source.RegistrationEvent})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if _, err := t.seal(tx, row); err != nil {
				return err
			}
		}
	}
	return nil
}
