package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
)

// The checks that a request can fail. Errors of [Verify] and [Verifier.Verify]
// wrap exactly one of them.
var (
	// ErrUnsigned means that the headers hold nothing this receiver could verify:
	// one is missing, or only signatures of a kind it has no key for are there.
	ErrUnsigned = errors.New("the request is not signed")
	// ErrMalformed means that a header cannot be read.
	ErrMalformed = errors.New("the request is malformed")
	// ErrStale means that the timestamp is too far from the clock.
	ErrStale = errors.New("the timestamp is too far from the receiver's clock")
	// ErrWrongSignature means that no key made the signatures of this body.
	ErrWrongSignature = errors.New("the signature is wrong")
)

// Verifier checks signatures. It is safe for concurrent use.
type Verifier struct {
	config Config
	keys   keys
}

// NewVerifier returns a Verifier that believes the keys and secrets in config,
// or an error that names the field that is wrong.
func NewVerifier(config Config) (*Verifier, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	keys, err := config.keys()
	if err != nil {
		return nil, err
	}
	return &Verifier{config: config, keys: keys}, nil
}

// Verify checks the signature of one request, for programs that do not use
// [New]. body must be the bytes as they were received. A nil error means that
// the request may be believed. Errors wrap [ErrUnsigned], [ErrMalformed],
// [ErrStale] or [ErrWrongSignature], or say what is wrong with config.
func Verify(header http.Header, body []byte, config Config) error {
	verifier, err := NewVerifier(config)
	if err != nil {
		return err
	}
	_, err = verifier.Verify(header, body)
	return err
}

// Verify does what the function [Verify] does, and returns what the headers
// say about the delivery.
func (v *Verifier) Verify(header http.Header, body []byte) (Delivery, error) {
	delivery, err := v.checkHeader(header)
	if err != nil {
		return Delivery{}, err
	}
	if err := v.checkBody(header, body); err != nil {
		return Delivery{}, err
	}
	return delivery, nil
}

// checkHeader finds what is wrong without the body, so that the body of a
// request that cannot pass is not read.
func (v *Verifier) checkHeader(header http.Header) (Delivery, error) {
	if !hasWebhookHeader(header) {
		return Delivery{}, v.checkBodySignatureHeader(header)
	}
	for _, name := range []string{protocol.HeaderWebhookID, protocol.HeaderWebhookTimestamp, protocol.HeaderWebhookSignature} {
		if header.Get(name) == "" {
			return Delivery{}, fmt.Errorf("%w: the header %s is missing", ErrUnsigned, name)
		}
	}
	if err := v.checkVersions(header.Get(protocol.HeaderWebhookSignature)); err != nil {
		return Delivery{}, err
	}
	seconds, err := strconv.ParseInt(header.Get(protocol.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return Delivery{}, fmt.Errorf("%w: the header %s must be in seconds since 1970", ErrMalformed, protocol.HeaderWebhookTimestamp)
	}
	now, at := v.config.Now(), time.Unix(seconds, 0)
	if at.Before(now.Add(-v.config.Tolerance)) || at.After(now.Add(v.config.Tolerance)) {
		return Delivery{}, fmt.Errorf("%w: it is %s, the clock says %s, and the tolerance is %s", ErrStale,
			at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), v.config.Tolerance)
	}
	attempt, err := strconv.Atoi(header.Get(protocol.HeaderWebhookAttempt))
	if err != nil || attempt < 0 {
		attempt = 0
	}
	return Delivery{ID: header.Get(protocol.HeaderWebhookID), Timestamp: at, Attempt: attempt}, nil
}

func (v *Verifier) checkBodySignatureHeader(header http.Header) error {
	switch {
	case header.Get(protocol.HeaderSignature) == "":
		return fmt.Errorf("%w: neither %s nor %s is there", ErrUnsigned, protocol.HeaderWebhookSignature, protocol.HeaderSignature)
	case len(v.keys.apiKeys) == 0:
		return fmt.Errorf("%w: this receiver knows no API key that could verify %s", ErrUnsigned, protocol.HeaderSignature)
	case !v.config.AllowLegacy:
		return fmt.Errorf("%w: the Standard Webhooks headers are missing, and %s alone covers neither an ID nor the time; "+
			"a receiver accepts it only with AllowLegacy", ErrUnsigned, protocol.HeaderSignature)
	}
	return nil
}

// checkVersions finds whether a header holds a signature of a kind that this
// receiver has a key for.
func (v *Verifier) checkVersions(signatures string) error {
	versions := protocol.SignatureVersions(signatures)
	switch {
	case len(versions) == 0:
		return fmt.Errorf("%w: the header %s must hold signatures such as v1,base64", ErrMalformed, protocol.HeaderWebhookSignature)
	case len(v.keys.secrets) > 0 && slices.Contains(versions, "v1"), len(v.keys.public) > 0 && slices.Contains(versions, "v1a"):
		return nil
	}
	return fmt.Errorf("%w: the header %s holds only %s, and this receiver verifies %s", ErrUnsigned,
		protocol.HeaderWebhookSignature, strings.Join(versions, " and "), v.keys.versions())
}

// versions says which kinds of signatures can be verified, and what with.
func (k keys) versions() string {
	switch {
	case len(k.public) == 0:
		return "v1 (it has secrets, and no public key)"
	case len(k.secrets) == 0:
		return "v1a (it has public keys, and no secret)"
	}
	return "v1 and v1a"
}

func (v *Verifier) checkBody(header http.Header, body []byte) error {
	if !hasWebhookHeader(header) {
		if v.keys.verifyBody(body, header.Get(protocol.HeaderSignature)) {
			return nil
		}
		return fmt.Errorf("%w: no API key of this receiver makes the one in %s from the body", ErrWrongSignature, protocol.HeaderSignature)
	}
	id, timestamp := header.Get(protocol.HeaderWebhookID), header.Get(protocol.HeaderWebhookTimestamp)
	if v.keys.verifyWebhook(id, timestamp, body, header.Get(protocol.HeaderWebhookSignature)) {
		return nil
	}
	return fmt.Errorf("%w: no key of this receiver makes one of those in %s from the ID, the timestamp and the body",
		ErrWrongSignature, protocol.HeaderWebhookSignature)
}

func hasWebhookHeader(header http.Header) bool {
	for _, name := range []string{protocol.HeaderWebhookID, protocol.HeaderWebhookTimestamp, protocol.HeaderWebhookSignature} {
		if len(header.Values(name)) > 0 {
			return true
		}
	}
	return false
}
