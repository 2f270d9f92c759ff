package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// KeySize is how many bytes a master key has.
const KeySize = 32

// NewMasterKey returns a random master key.
func NewMasterKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails (crypto/rand)
	return key
}

// ParseMasterKey reads a master key written as 64 hexadecimal digits or as
// Base64 of 32 bytes.
func ParseMasterKey(text string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == KeySize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("an encryption key is %d random bytes as hexadecimal or Base64, such as from: openssl rand -hex %d", KeySize, KeySize)
}

// box encrypts the secrets that the database holds, with AES-256-GCM. Each
// ciphertext is bound to the column and row it was made for.
type box struct {
	aead cipher.AEAD
	// signIn signs links to the dashboard; it is derived from the same key.
	signIn []byte
}

func newBox(masterKey []byte) (*box, error) {
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	return &box{aead: aead, signIn: signInKey(masterKey)}, nil
}

// errWrongKey is what opening gives for a wrong master key and for a ciphertext
// that was changed or moved.
var errWrongKey = errors.New("cannot decrypt: the encryption key (RUNHOOK_ENCRYPTION_KEY, or the key file beside the database) is not the one this database was made with")

func (b *box) seal(secret, place string) string {
	return base64.StdEncoding.EncodeToString(b.aead.Seal(nil, nil, []byte(secret), []byte(place)))
}

func (b *box) open(sealed, place string) (string, error) {
	ciphertext, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", errWrongKey
	}
	secret, err := b.aead.Open(nil, nil, ciphertext, []byte(place))
	if err != nil {
		return "", errWrongKey
	}
	return string(secret), nil
}

// hashKey is how a key is looked up.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
