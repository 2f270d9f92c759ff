package protocol

import (
	"fmt"
	"strconv"
	"strings"
)

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
	// Path names the outermost members and elements that it is in, such as
	// "events.0.payload"; empty at the outermost level.
	Path string
}

// Error implements error.
func (e *DepthError) Error() string {
	return fmt.Sprintf("nested more than %d levels deep, at byte %d (%s)", e.Limit, e.Offset, e.Path)
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
				return &DepthError{Limit: limit, Offset: i, Path: pathTo(text, i)}
			}
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return nil
}

// pathTo names the outermost members and elements that a byte is in.
func pathTo(text []byte, offset int) string {
	const most = 4 // more do not help to find it
	var path []string
	depth := 0
	name := ""
	for i := 0; i < offset; i++ {
		switch c := text[i]; c {
		case '"':
			from := i + 1
			i = endOfString(text, from)
			name = string(text[from:min(i, from+maxNameInPath, len(text))])
		case '[', '{':
			if depth++; depth > most {
				continue
			}
			path = append(path[:depth-1], "")
			if c == '[' {
				path[depth-1] = "0"
			}
		case ']', '}':
			depth = max(0, depth-1)
		case ':':
			if depth > 0 && depth <= most {
				path[depth-1] = name
			}
		case ',':
			if depth > 0 && depth <= most {
				if index, err := strconv.Atoi(path[depth-1]); err == nil {
					path[depth-1] = strconv.Itoa(index + 1)
				}
			}
		}
	}
	return strings.ToValidUTF8(strings.Join(path[:min(depth, most)], "."), "\ufffd")
}

// maxNameInPath bounds how much of a member's name is shown.
const maxNameInPath = 40

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
