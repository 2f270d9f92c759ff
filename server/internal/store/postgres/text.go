package postgres

import (
	"slices"
	"strings"
)

// storable returns arguments as PostgreSQL takes them. Its text cannot hold the
// character U+0000, which a name, a key or a log message may have all the same;
// U+FFFD takes its place. JSON is not affected, since it writes that character
// as an escape.
func storable(args []any) []any {
	copied := false
	for i, argument := range args {
		text, ok := argument.(string)
		if !ok || strings.IndexByte(text, 0) < 0 {
			continue
		}
		if !copied {
			args, copied = slices.Clone(args), true
		}
		args[i] = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	return args
}
