package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
)

// errNotJSON says that an answer is no JSON value.
var errNotJSON = errors.New("not JSON")

// document returns the JSON that a 2xx answer holds. The error is errNotJSON, or a
// problem that the next answer would have as well: JSON is UTF-8 text, and what is
// kept of it and passed on must be.
func (a *answer) document() (json.RawMessage, error) {
	switch {
	case a.undecoded != nil:
		return nil, a.undecoded
	case a.tooLarge:
		return nil, errNotJSON
	}
	if deep := checkDepth(a.body, mostDepth); deep != nil {
		return nil, errors.New(deep.String())
	}
	if !json.Valid(a.body) {
		return nil, errNotJSON
	}
	if at := invalidAt(a.body); at >= 0 {
		return nil, fmt.Errorf("it is not UTF-8 text: byte 0x%02X at offset %d", a.body[at], at)
	}
	return a.body, nil
}

// invalidAt returns the offset of the first byte that is not UTF-8; -1 for none.
func invalidAt(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for at := 0; ; {
		char, size := utf8.DecodeRune(text[at:])
		if char == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
}

// read returns the JSON that an answer to an action holds, or why there is none.
func (a *answer) read(target Target, action protocol.Action) (json.RawMessage, *Error) {
	body, err := a.document()
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, errNotJSON):
		return nil, unparsable(a, action)
	}
	failure := misshapen(a, target, action, problem{message: err.Error()})
	// A body that was damaged on its way may be whole the next time.
	failure.Malformed = a.undecoded == nil || a.undecoded.Cause == nil
	return nil, failure
}
