package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// IdempotencyKey returns the key under which a task of a run is remembered: 64
// lower-case hexadecimal digits, the same for the same arguments on every
// replay and the same as the Node SDK computes. parentTaskID is the ID the
// server gave to the enclosing task, or empty.
//
// Each part of the cache key contributes the text of its JSON value:
//   - a string (a Go string, or whatever encodes as a JSON string) contributes
//     itself, unquoted;
//   - a [time.Time] contributes its RFC 3339 text in UTC. In JavaScript all
//     dates count as {} and so are one key; here different times are different
//     keys. Times inside other values contribute as encoding/json writes them;
//   - an empty [json.RawMessage] and a function, JavaScript's undefined,
//     contribute nothing;
//   - anything else contributes what encoding/json makes of it, without spaces,
//     with sorted keys and with JavaScript's spelling of numbers. Integers beyond
//     2^53, which JavaScript would round, keep all their digits.
//
// The parts are joined by colons, without escaping: "a", "b" and "a:b" are the
// same key, as in the Node SDK. A part that JSON cannot express, such as a
// channel, contributes nothing: see [CheckCacheKey].
func IdempotencyKey(runID, parentTaskID string, cacheKey ...any) string {
	var text strings.Builder
	text.WriteString(runID)
	text.WriteByte(':')
	text.WriteString(parentTaskID)
	for _, part := range cacheKey {
		partText, err := cacheKeyText(part)
		if err != nil {
			partText = "" // what JavaScript makes of what JSON cannot express
		}
		text.WriteByte(':')
		text.WriteString(partText)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:])
}

// CheckCacheKey returns an error that names the first part of a cache key that
// JSON cannot express. [IdempotencyKey] leaves the text of such a part empty,
// so two keys that differ only there would be one.
func CheckCacheKey(cacheKey ...any) error {
	for i, part := range cacheKey {
		if _, err := cacheKeyText(part); err != nil {
			return fmt.Errorf("part %d of the cache key, a %T, has no JSON form: %w", i+1, part, err)
		}
	}
	return nil
}

func cacheKeyText(part any) (string, error) {
	switch v := part.(type) {
	case string:
		return v, nil
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano), nil
	case json.RawMessage:
		if len(v) == 0 {
			return "", nil
		}
	case float64:
		return string(appendFloat(nil, v)), nil
	case float32:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return "null", nil
		}
	}
	if part != nil && reflect.TypeOf(part).Kind() == reflect.Func {
		return "", nil
	}
	value, err := jsonValue(part)
	if err != nil {
		return "", err
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	return string(appendCanonical(nil, value)), nil
}

// Slugify returns the ID under which a job called id is known: in lower case,
// each run of whitespace as one hyphen, and without the characters that a URL
// would have to escape (all but letters a to z, digits, and - . _ ~). It may
// return an empty string.
func Slugify(id string) string {
	var slug strings.Builder
	inSpace := false
	for _, r := range id {
		if isJavaScriptSpace(r) {
			if !inSpace {
				slug.WriteByte('-')
			}
			inSpace = true
			continue
		}
		inSpace = false
		r = unicode.ToLower(r)
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~", r) {
			slug.WriteRune(r)
		}
	}
	return slug.String()
}

// isJavaScriptSpace differs from unicode.IsSpace in two characters.
func isJavaScriptSpace(r rune) bool {
	const nextLine, byteOrderMark = '\u0085', '\uFEFF'
	return r == byteOrderMark || r != nextLine && unicode.IsSpace(r)
}
