package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// LinkPath is where a link leads, under the server's URL.
const LinkPath = "/sign-in"

// LinkLifetime is how long a link is valid.
const LinkLifetime = 10 * time.Minute

// Parts of a token, in bytes.
const (
	tokenNonce  = 16
	tokenExpiry = 8
	tokenMAC    = sha256.Size
)

// NewLink returns a link that signs in whoever opens it, once and within
// [LinkLifetime]. url is the server's, key that of store.Store.SignInKey.
func NewLink(url string, key []byte, now time.Time) string {
	text := make([]byte, tokenNonce, tokenNonce+tokenExpiry+tokenMAC)
	rand.Read(text) // never fails (crypto/rand)
	text = binary.BigEndian.AppendUint64(text, uint64(now.Add(LinkLifetime).Unix()))
	text = append(text, tokenSignature(key, text)...)
	return strings.TrimSuffix(url, "/") + LinkPath + "?token=" + base64.RawURLEncoding.EncodeToString(text)
}

// Why a link is refused.
var (
	errNoLink      = errors.New("this is not a sign-in link of this server")
	errLinkExpired = errors.New("this sign-in link has expired")
	errLinkUsed    = errors.New("this sign-in link was used already")
)

// checkToken returns what tells the link of a token from others.
func checkToken(key []byte, token string, now time.Time) (link string, err error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(text) != tokenNonce+tokenExpiry+tokenMAC {
		return "", errNoLink
	}
	signed, mac := text[:tokenNonce+tokenExpiry], text[tokenNonce+tokenExpiry:]
	if !hmac.Equal(mac, tokenSignature(key, signed)) {
		return "", errNoLink
	}
	if uint64(now.Unix()) >= binary.BigEndian.Uint64(signed[tokenNonce:]) {
		return "", errLinkExpired
	}
	return base64.RawURLEncoding.EncodeToString(signed[:tokenNonce]), nil
}

func tokenSignature(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}
