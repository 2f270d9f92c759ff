package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"strconv"

	"github.com/runhook/runhook/internal/transport"
)

// PageRequest says which page of a list to return. The zero PageRequest is the first.
type PageRequest struct {
	// Cursor is the NextCursor of the page before; empty for the first page.
	Cursor string
	// Take is how many items to return at the most, up to 50; zero is the server's
	// default, 20 for most lists.
	Take int
}

// Page is a page of a list. It may have fewer items than were asked for and still not be
// the last: the server looks for what is rare a piece at a time.
type Page[T any] struct {
	Items []T
	// NextCursor is where the next page begins; empty after the last.
	NextCursor string
}

// largestPage is how many items a page of a list that is read to its end has.
const largestPage = 50

// getPage asks for a page of a list. member is the name of the list in the answer, item
// what makes an item of one as the server sends it.
func getPage[Wire, T any](ctx context.Context, c *Client, path, member string, filter url.Values, request PageRequest, item func(*Wire) T) (Page[T], error) {
	query := maps.Clone(filter)
	query.Set("cursor", request.Cursor)
	if request.Take != 0 {
		query.Set("take", strconv.Itoa(request.Take))
	}
	var answer map[string]json.RawMessage
	if err := c.transport.Call(ctx, "GET", transport.WithQuery(path, query), nil, &answer); err != nil {
		return Page[T]{}, fmt.Errorf("list %s: %w", member, err)
	}
	var wire []Wire
	var page Page[T]
	if err := json.Unmarshal(answer[member], &wire); err != nil { // there is no such list, or it has other items
		return page, fmt.Errorf("list %s: the server's answer is %w: %w", member, transport.ErrUnexpectedAnswer, err)
	}
	if next, ok := answer["nextCursor"]; ok {
		if err := json.Unmarshal(next, &page.NextCursor); err != nil {
			return page, fmt.Errorf("list %s: the server's answer is %w: %w", member, transport.ErrUnexpectedAnswer, err)
		}
	}
	for i := range wire {
		page.Items = append(page.Items, item(&wire[i]))
	}
	return page, nil
}

// itself is the item of a list whose items are as the server sends them.
func itself[T any](item *T) *T { return item }

// allPages returns the items of all pages of a list.
func allPages[T any](page func(PageRequest) (Page[T], error)) iter.Seq2[T, error] {
	return transport.Pages("", func(cursor string) ([]T, string, error) {
		found, err := page(PageRequest{Cursor: cursor, Take: largestPage})
		return found.Items, found.NextCursor, err
	})
}
