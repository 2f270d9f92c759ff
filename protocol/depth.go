package protocol

import "fmt"

// MaxDepth is how many arrays and objects may be nested in a JSON value that comes
// from outside: a payload, an output, a filter, a document. [1] has a depth of 1, a
// text or number of 0.
const MaxDepth = 512

// MaxEnvelopeDepth is how many levels the messages of the protocol itself have, at
// the most, around the values that they carry.
const MaxEnvelopeDepth = 16

// A DepthError says that JSON is nested more deeply than is permitted.
type DepthError struct {
	// Limit is how deep it may be.
	Limit int
	// Offset is the index of the byte that opens the first level too many.
	Offset int
}

// Error implements error.
func (e *DepthError) Error() string {
	return fmt.Sprintf("nested more than %d levels deep, at byte %d", e.Limit, e.Offset)
}

// CheckDepth returns a [*DepthError] if the arrays and objects in JSON text are
// nested more than limit levels deep, usually [MaxDepth]. It reads each byte once
// and takes any bytes; what is not JSON has some depth, too. Check it before the
// text is decoded: decoders need memory, and some of them time, for each level.
func CheckDepth(text []byte, limit int) error {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = endOfString(text, i+1)
		case '[', '{':
			if depth++; depth > limit {
				return &DepthError{Limit: limit, Offset: i}
			}
		case ']', '}':
			depth--
		}
	}
	return nil
}

// endOfString returns the index of the quote that ends a string which begins at
// from, or the length of the text if there is none.
func endOfString(text []byte, from int) int {
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(text)
}
