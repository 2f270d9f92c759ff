package runhook

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
)

// FeedItem is a notification in the feed of its environment.
type FeedItem struct {
	// Cursor is where to go on after this item. Keep it with the work that the item
	// leads to, in one transaction, and nothing is missed or done twice.
	Cursor string `json:"cursor"`
	Notification
	// Payload is what is sent, byte for byte; for [RunEnded] a
	// [protocol.RunNotification].
	Payload json.RawMessage `json:"payload"`
}

// sentItem is an item as the server sends it.
type sentItem struct {
	FeedItem
	// Body is the payload as text, which keeps its bytes, and is whole even where it
	// is nested too deeply to be part of other JSON. Old servers do not send it.
	Body string `json:"body"`
}

func (i *sentItem) item() *FeedItem {
	if i.Body != "" {
		i.Payload = json.RawMessage(i.Body)
	}
	return &i.FeedItem
}

// A FeedOption says more about a feed: [OfSubscription].
type FeedOption interface{ applyToFeed(*feedOptions) }

type feedOptions struct{ subscriptionID string }

// OfSubscription leaves out of a feed what does not go to the subscription with this
// ID.
type OfSubscription string

func (s OfSubscription) applyToFeed(o *feedOptions) { o.subscriptionID = string(s) }

const feedPath = notificationsPath + "/feed"

// Feed returns the notifications of the environment after a cursor, as far as there
// are any yet, so that a receiver which was down reads what it missed. Their order
// never changes: nothing will ever appear before a cursor that was handed out. The
// empty cursor is before the first.
//
// They are asked for page by page, as the loop goes on; an error is the last of
// them. See [Client.FollowFeed] to go on with what is to come.
func (c *Client) Feed(ctx context.Context, after string, options ...FeedOption) iter.Seq2[*FeedItem, error] {
	set := newFeedOptions(options)
	return listPages(func(cursor string) ([]*FeedItem, string, error) {
		if cursor == "" {
			cursor = after
		}
		var page struct {
			Items  []sentItem `json:"items"`
			Cursor string     `json:"cursor"`
			More   bool       `json:"more"`
		}
		if err := c.api.call(ctx, "GET", withQuery(feedPath, set.parameters(cursor)), nil, &page); err != nil {
			return nil, "", feedFailed(cursor, err)
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

// FollowFeed returns the notifications of the environment after a cursor, and then
// each one as it is made, for as long as the loop and ctx last. It takes up where it
// was when the connection is lost, and when the server was away. With an empty
// cursor it begins with what is new.
//
// An error is the last of them: what ended ctx, or the server's refusal.
func (c *Client) FollowFeed(ctx context.Context, after string, options ...FeedOption) iter.Seq2[*FeedItem, error] {
	set := newFeedOptions(options)
	return func(yield func(*FeedItem, error) bool) {
		stream := eventStream{api: c.api, logger: c.logger, path: withQuery(feedPath, set.parameters("")), lastID: after}
		err := stream.follow(ctx, func(kind string, data []byte) (bool, error) {
			if kind != "notification" {
				return true, nil
			}
			sent := new(sentItem)
			if err := json.Unmarshal(data, sent); err != nil {
				return false, fmt.Errorf("what the server sent is not as expected: %w", err)
			}
			return yield(sent.item(), nil), nil
		})
		if err != nil {
			yield(nil, feedFailed(stream.lastID, err))
		}
	}
}

func newFeedOptions(options []FeedOption) (set feedOptions) {
	for _, option := range options {
		option.applyToFeed(&set)
	}
	return set
}

func (o feedOptions) parameters(after string) url.Values {
	return url.Values{"after": {after}, "subscription": {o.subscriptionID}}
}

func feedFailed(after string, err error) error {
	return fmt.Errorf("read the feed of notifications after %q: %w", after, err)
}
