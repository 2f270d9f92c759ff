package api

import (
	"bytes"
	"encoding/json"
	"iter"
)

// The parts of JSON that is known to be valid, without a copy of it. What is of another
// kind, or absent, has none.

// isKind reports whether JSON begins with a character: '{' for an object, '[' for an
// array.
func isKind(text []byte, opening byte) bool {
	text = bytes.TrimLeft(text, jsonSpace)
	return len(text) > 0 && text[0] == opening
}

const jsonSpace = " \n\r\t"

// elements yields the elements of an array.
func elements(array []byte) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		if !isKind(array, '[') {
			return
		}
		rest := bytes.TrimLeft(array, jsonSpace)[1:]
		for {
			element, after := cutValue(rest)
			if len(element) == 0 || !yield(element) {
				return
			}
			rest = after
		}
	}
}

// membersOf yields the members of an object, by their names.
func membersOf(object []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		if !isKind(object, '{') {
			return
		}
		rest := bytes.TrimLeft(object, jsonSpace)[1:]
		for {
			quoted, after := cutValue(rest)
			if len(quoted) == 0 {
				return
			}
			value, after := cutValue(after)
			var name string
			if json.Unmarshal(quoted, &name) != nil || !yield(name, value) {
				return
			}
			rest = after
		}
	}
}

// cutValue returns the first value of a text and what follows it; no value where the
// array or object around it ends. What separates values before it is left out.
func cutValue(text []byte) (value, rest []byte) {
	text = bytes.TrimLeft(text, jsonSpace+",:")
	depth, inText := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inText && c == '\\':
			i++
		case inText:
			inText = c != '"'
			if !inText && depth == 0 {
				return text[:i+1], text[i+1:]
			}
		case c == '"':
			inText = true
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']') && depth == 1:
			return text[:i+1], text[i+1:]
		case c == '}' || c == ']':
			if depth == 0 { // a number or a word ends here, if there is one
				return text[:i], text[i:]
			}
			depth--
		case depth == 0 && (c == ',' || bytes.IndexByte([]byte(jsonSpace), c) >= 0):
			return text[:i], text[i:]
		}
	}
	return text, nil
}
