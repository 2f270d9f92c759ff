package transport

import (
	"iter"
	"net/url"
	"strings"
)

// Pages returns the items of a list that is asked for page by page, beginning at a
// cursor. page returns the items at a cursor and the cursor of the next page, empty after
// the last. An error ends the sequence, beside the zero T.
func Pages[T any](cursor string, page func(cursor string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := cursor; ; {
			items, next, err := page(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// WithQuery adds the parameters to a path; values that are empty are left out.
func WithQuery(path string, parameters url.Values) string {
	query := url.Values{}
	for name, values := range parameters {
		for _, value := range values {
			if value != "" {
				query.Add(name, value)
			}
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// Path joins parts of a path, of which every second one is escaped.
func Path(parts ...string) string {
	var path strings.Builder
	for i, part := range parts {
		if i%2 == 1 {
			part = url.PathEscape(part)
		}
		path.WriteString(part)
	}
	return path.String()
}
