package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"

	"github.com/runhook/runhook/internal/sse"
	"github.com/runhook/runhook/internal/transport"
)

// FeedItem is a notification in the feed of its environment.
type FeedItem struct {
	// Cursor is where to resume after this item. Keep it with the work that the item
	// leads to, in one transaction, and nothing is missed or done twice.
	Cursor string `json:"cursor"`
	Notification
	// Payload is what is sent, byte for byte; for [RunEnded] a
	// [protocol.RunNotification].
	Payload json.RawMessage `json:"payload"`
}

// wireFeedItem is an item as the server sends it. See wireNotification.
type wireFeedItem struct {
	FeedItem
	Body string `json:"body"`
}

func (w *wireFeedItem) item() *FeedItem {
	if w.Body != "" {
		w.Payload = json.RawMessage(w.Body)
	}
	return &w.FeedItem
}

// A FeedFilter says what of the feed to read. The zero FeedFilter is all of it.
type FeedFilter struct {
	// SubscriptionID leaves out what does not go to the subscription with this ID.
	SubscriptionID string
}

func (f FeedFilter) path(after string) string {
	return transport.WithQuery(notificationsPath+"/feed", url.Values{"after": {after}, "subscription": {f.SubscriptionID}})
}

// ListFeed returns the notifications of the environment after a cursor, as far as there
// are any yet, so that a receiver which was down reads what it missed. Their order never
// changes: nothing will ever appear before a cursor that was handed out. The empty cursor
// is before the first. See [Client.FollowFeed] to continue with what is to come.
func (c *Client) ListFeed(ctx context.Context, after string, filter FeedFilter) iter.Seq2[*FeedItem, error] {
	return transport.Pages(after, func(cursor string) ([]*FeedItem, string, error) {
		var page struct {
			Items  []wireFeedItem `json:"items"`
			Cursor string         `json:"cursor"`
			More   bool           `json:"more"`
		}
		if err := c.transport.Call(ctx, "GET", filter.path(cursor), nil, &page); err != nil {
			return nil, "", feedError(cursor, err)
		}
		if !page.More {
			page.Cursor = ""
		}
		items := make([]*FeedItem, len(page.Items))
		for i := range page.Items {
			items[i] = page.Items[i].item()
		}
		return items, page.Cursor, nil
	})
}

// errLoopLeft ends a stream whose loop was left.
var errLoopLeft = errors.New("the loop was left")

// FollowFeed returns the notifications of the environment after a cursor, and then each
// one as it is made, for as long as the loop and ctx last. It resumes where it was when the
// connection is lost, and when the server was away. With an empty cursor it begins with
// what is new.
//
// An error is the last item: what ended ctx, or the server's refusal.
func (c *Client) FollowFeed(ctx context.Context, after string, filter FeedFilter) iter.Seq2[*FeedItem, error] {
	return func(yield func(*FeedItem, error) bool) {
		stream := transport.Stream{Client: c.transport, Path: filter.path(""), LastID: after}
		err := stream.Follow(ctx, func(err error) {
			c.logger.DebugContext(ctx, "runhook: the stream of notifications was lost, and is resumed", "err", err)
		}, func(event sse.Event) error {
			if event.TooLarge {
				return fmt.Errorf("an item of the feed is larger than %d MiB; to pass over it, resume after its cursor, %q", sse.MaxBytes>>20, event.ID)
			}
			if event.Name != "notification" {
				return nil
			}
			sent := new(wireFeedItem)
			if err := json.Unmarshal(event.Data, sent); err != nil {
				return fmt.Errorf("what the server sent is not as expected: %w", err)
			}
			if !yield(sent.item(), nil) {
				return errLoopLeft
			}
			return nil
		})
		if !errors.Is(err, errLoopLeft) {
			yield(nil, feedError(stream.LastID, err))
		}
	}
}

func feedError(after string, err error) error {
	return fmt.Errorf("read the feed of notifications after %q: %w", after, err)
}
