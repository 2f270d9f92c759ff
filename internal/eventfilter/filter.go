package eventfilter

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Limits of a filter, far above what people write.
const (
	// MaxBytes is the longest JSON text of a filter.
	MaxBytes = 256 << 10
	// MaxDepth is how deeply objects in a filter may be nested.
	MaxDepth = 64
	// MaxRules is how many keys and conditions a filter may have in all.
	MaxRules = 1000
)

// Filter is an event filter. One without keys matches everything, and so do nil
// and the zero value.
type Filter struct{ root *node }

// Language reads filters. The zero value is one that compares texts as they are written.
type Language struct {
	// Normalize returns a text in the form in which $ignoreCaseEquals compares texts: the
	// protocol asks for Unicode's NFKC, by which accents are part of their letters, wide
	// letters are narrow ones and ligatures are apart. Nil for texts as they are. It may be
	// called concurrently.
	Normalize func(text string) string
}

// Parse reads an event filter. Empty text and null give a filter that matches
// everything. The error is an [*Error].
func (l Language) Parse(raw json.RawMessage) (*Filter, error) {
	decoded, err := decodeFilter(raw)
	if err != nil {
		return nil, err
	}
	if decoded == nil {
		return &Filter{root: &node{}}, nil
	}
	root, err := (&parser{language: l}).object(decoded, place{}, 1)
	if err != nil {
		return nil, err
	}
	return &Filter{root: root}, nil
}

// Empty reports whether the filter has no keys and so matches everything.
func (f *Filter) Empty() bool { return f == nil || f.root == nil || f.root.keys == 0 }

// Match reports whether the filter matches a value, given as JSON text. Empty
// text is an absent value, which like null is matched only by a filter without
// keys. Text that is not JSON is matched likewise.
func (f *Filter) Match(value json.RawMessage) bool {
	if f.Empty() {
		return true
	}
	decoded, err := Decode(value)
	return err == nil && f.MatchDecoded(decoded)
}

// MatchDecoded is [Filter.Match] for a value from [Decode], which saves decoding
// it for each of many filters. Any value that encoding/json decodes into an any
// will do. It only reads the value.
func (f *Filter) MatchDecoded(value any) bool {
	if f.Empty() {
		return true
	}
	w := newWork()
	return f.root.match(value, w) && w.done()
}

// Decode decodes JSON text for [Filter.MatchDecoded]. Empty text gives nil.
func Decode(raw json.RawMessage) (any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	// Numbers beyond a float64 are valid JSON, and infinite to JavaScript.
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("there is more than one JSON value")
	}
	return parseNumbers(value), nil
}

// parseNumbers parses the numbers in a decoded value, once for all conditions: one may
// have millions of digits.
func parseNumbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		number, _ := scalar(value)
		return number
	case []any:
		for i, element := range value {
			value[i] = parseNumbers(element)
		}
	case map[string]any:
		for name, member := range value {
			value[name] = parseNumbers(member)
		}
	}
	return value
}

// decodeFilter decodes the text of a filter of any kind; nil stands for none.
func decodeFilter(raw json.RawMessage) (any, error) {
	if len(raw) > MaxBytes {
		return nil, place{}.errorf("has %d bytes: at most %d are accepted", len(raw), MaxBytes)
	}
	decoded, err := Decode(raw)
	if err != nil {
		return nil, place{}.errorf("is not valid JSON: %v", err)
	}
	return decoded, nil
}
