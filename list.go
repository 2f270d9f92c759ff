package runhook

import (
	"iter"
	"net/url"
)

// listPages returns the items of a list that is asked for page by page. A page
// comes with the cursor of the next, empty for the last. An error ends the list,
// beside the zero T.
func listPages[T any](page func(cursor string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := ""; ; {
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

// withQuery adds the parameters that are not empty to a path.
func withQuery(path string, parameters url.Values) string {
	query := url.Values{}
	for name, values := range parameters {
		if len(values) > 0 && values[0] != "" {
			query[name] = values
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
