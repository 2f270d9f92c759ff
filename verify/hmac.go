package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// HMAC verifies requests whose header holds an HMAC of the body, and nothing but
// the body. Its method Verify is the [Verifier]. Secret and Header are required.
type HMAC struct {
	Secret string
	// Header is the name of the header that holds the signature.
	Header string
	// Prefix is what the signature begins with, such as "sha256=".
	Prefix string
	// Hash is the hash function. Default: [sha256.New].
	Hash func() hash.Hash
	// Encoding is how the signature is written. Default: [Hex].
	Encoding Encoding
}

// Encoding is how bytes are written as text.
type Encoding int

// The encodings.
const (
	Hex Encoding = iota
	Base64
)

func (e Encoding) decode(text string) ([]byte, error) {
	if e == Base64 {
		return base64.StdEncoding.DecodeString(text)
	}
	return hex.DecodeString(text)
}

// Verify is a [Verifier].
func (h HMAC) Verify(request *Request) error {
	if h.Secret == "" {
		return ErrNoSecret
	}
	header, err := signedHeader(request, h.Header)
	if err != nil {
		return err
	}
	signature, ok := strings.CutPrefix(header, h.Prefix)
	if !ok {
		return fmt.Errorf("%w: it does not begin with %q", ErrMalformed, h.Prefix)
	}
	given, err := h.Encoding.decode(signature)
	if err != nil {
		return fmt.Errorf("%w: its encoding is wrong", ErrMalformed)
	}
	newHash := h.Hash
	if newHash == nil {
		newHash = sha256.New
	}
	mac := hmac.New(newHash, []byte(h.Secret))
	mac.Write(request.Body)
	if !hmac.Equal(given, mac.Sum(nil)) {
		return ErrWrongSignature
	}
	return nil
}
