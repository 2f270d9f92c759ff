package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"
)

// keptSessions is how long a session that has expired stays on record, so that the link
// it was opened with cannot be used again. It is longer than links are valid.
const keptSessions = time.Hour

// OpenSession records that somebody has signed in with a link: token is the cookie, of
// which the database keeps the hash only. used is set, and nothing is recorded, when the
// link has opened a session before. Sessions that expired an hour ago are removed.
func (tx *Tx) OpenSession(token, link string, expires time.Time) (used bool, err error) {
	if _, err := tx.conn.Exec(`DELETE FROM sessions WHERE expires_at < $1`, micros(tx.now.Add(-keptSessions))); err != nil {
		return false, err
	}
	opened, err := tx.conn.Exec(`
		INSERT INTO sessions (token_hash, link_id, created_at, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (link_id) DO NOTHING`, hashKey(token), link, micros(tx.now), micros(expires))
	return opened == 0, err
}

// HasSession reports whether a cookie is that of a session which has not expired.
func (tx *Tx) HasSession(token string) (bool, error) {
	_, found, err := first(tx, `SELECT link_id FROM sessions WHERE token_hash = $1 AND expires_at > $2`,
		[]any{hashKey(token), micros(tx.now)}, scanString)
	return found, err
}

// EndSession ends the session of a cookie now.
func (tx *Tx) EndSession(token string) error {
	_, err := tx.conn.Exec(`UPDATE sessions SET expires_at = $1 WHERE token_hash = $2 AND expires_at > $1`, micros(tx.now), hashKey(token))
	return err
}

// SignInKey returns what signs the links that open the dashboard. It is made from the
// master key, so whoever can read that, and nobody else, can make a link.
func (s *Store) SignInKey() []byte { return s.box.signIn }

// ReadSignInKey returns the key of [Store.SignInKey] of a database that servers may have
// open. It makes and changes nothing; a database that is not there gives
// [database.ErrNoDatabase].
func ReadSignInKey(ctx context.Context, options Options) (key []byte, err error) {
	err = inspect(ctx, options, func(tx *Tx) error {
		if err := tx.readBox(options); err != nil {
			return err
		}
		// The master key is the right one if it opens what was sealed with it.
		if _, err := tx.Environments(); err != nil {
			return err
		}
		key = tx.box.signIn
		return nil
	})
	return key, err
}

// readBox takes the master key from the options, or from where the database has it.
func (tx *Tx) readBox(options Options) (err error) {
	key := options.MasterKey
	if key == nil {
		if key, err = tx.masterKey(options.URL); err != nil {
			return fmt.Errorf("encryption key: %w", err)
		}
	}
	tx.box, err = newBox(key)
	return err
}

// signInKey derives the key for sign-in links from the master key.
func signInKey(masterKey []byte) []byte {
	mac := hmac.New(sha256.New, masterKey)
	mac.Write([]byte("runhook: sign-in links"))
	return mac.Sum(nil)
}
