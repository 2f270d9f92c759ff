package eventfilter

import (
	"fmt"
	"strings"
)

// Error says that a filter is invalid.
type Error struct {
	// Path is where in the filter, as keys and positions joined by dots, such as
	// buyer.name.0; empty for the filter itself. A long one is cut.
	Path string
	// Problem completes "the filter ..." or "the filter at ...".
	Problem string
}

// Error names the place and the problem.
func (e *Error) Error() string {
	if e.Path == "" {
		return "the filter " + e.Problem
	}
	return fmt.Sprintf("the filter at %q %s", e.Path, e.Problem)
}

// place is where in a filter the parser is.
type place struct{ keys []string }

func (p place) at(key string) place {
	return place{append(p.keys[:len(p.keys):len(p.keys)], key)}
}

func (p place) errorf(format string, args ...any) *Error {
	const limit = 300
	path := strings.Join(p.keys, ".")
	if len(path) > limit {
		path = strings.ToValidUTF8(path[:limit], "") + "..."
	}
	return &Error{Path: path, Problem: fmt.Sprintf(format, args...)}
}
