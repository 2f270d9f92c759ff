package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// feedPage is how many items of a feed are streamed at once at the most.
	feedPage = 100
	// feedPoll is how often a stream looks for what other processes wrote.
	feedPoll = time.Second
)

// feedItem is a notification in the feed.
type feedItem struct {
	// Cursor is where to go on after this item.
	Cursor string `json:"cursor"`
	notification
	message
	// Headers are those of a delivery made now: what verifies a webhook verifies an
	// item by them and its body.
	Headers map[string]string `json:"headers,omitempty"`
}

// tellItems tells those of some notifications that are for a subscription; empty
// for all.
func (a *API) tellItems(r *request, placed []store.Placed, subscription string) ([]feedItem, error) {
	if subscription != "" {
		placed = slices.DeleteFunc(placed, func(p store.Placed) bool { return p.SubscriptionID != subscription })
	}
	headers, err := a.Notify.Headers(r.Context(), r.environment, placed)
	if err != nil {
		return nil, err
	}
	items := make([]feedItem, len(placed))
	for i, p := range placed {
		items[i] = feedItem{strconv.FormatInt(p.Position, 10), tellNotification(p.Notification), tellMessage(p.Notification), headers[i]}
	}
	return items, nil
}

// feed is GET /api/runhook/v1/notifications/feed: the notifications of the
// environment in a fixed order, after a cursor. With the filter subscription it
// tells only those of one. If the caller accepts text/event-stream, it goes on for
// as long as the caller listens.
func (a *API) feed(w http.ResponseWriter, r *request) error {
	query := r.URL.Query()
	subscription := query.Get("subscription")
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return a.streamFeed(w, r, subscription)
	}
	after, err := position("after", query.Get("after"))
	if err != nil {
		return err
	}
	limit, err := numberParameter(r, "limit", usualPage, mostPage)
	if err != nil {
		return err
	}
	found, err := a.Notify.Feed(r.Context(), r.environment.ID, after, limit)
	if err != nil {
		return err
	}
	page := struct {
		Items []feedItem `json:"items"`
		// Cursor is where to go on, whether there were items or not.
		Cursor string `json:"cursor"`
		// More is false when there is nothing after the cursor yet.
		More bool `json:"more"`
	}{Cursor: strconv.FormatInt(after, 10), More: len(found) == limit}
	if len(found) > 0 {
		page.Cursor = strconv.FormatInt(found[len(found)-1].Position, 10)
	}
	if page.Items, err = a.tellItems(r, found, subscription); err != nil {
		return err
	}
	return okReadable(w, page)
}

// position reads a cursor of a feed; empty is its beginning.
func position(name, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil || at < 0 {
		return 0, model.Errorf(model.Invalid, "Invalid query parameter: %s must be a cursor of this feed, not %q", name, text)
	}
	return at, nil
}

// streamFeed sends the feed as server-sent events. Each has its cursor as its id,
// so that a browser or library that reconnects goes on where it was. Without a
// cursor it begins with what is new.
func (a *API) streamFeed(w http.ResponseWriter, r *request, subscription string) error {
	from := r.Header.Get("Last-Event-ID")
	if from == "" {
		from = r.URL.Query().Get("after")
	}
	after, err := position("after", from)
	if err == nil && from == "" {
		after, err = a.Notify.FeedEnd(r.Context(), r.environment.ID)
	}
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	follower := follower{api: a, request: r, subscription: subscription, after: after,
		stream: stream{ResponseController: http.NewResponseController(w), w: w, log: a.Log}}
	follower.stream.text.WriteString(fmt.Sprintf("id: %d\nevent: ready\ndata: {}\n\n", after))
	follower.follow()
	return nil
}

// follower streams a feed to one caller.
type follower struct {
	api          *API
	request      *request
	subscription string
	after        int64
	stream       stream
}

// follow ends when the caller leaves or the server stops. While the feed cannot be
// read, the stream stays open and goes on when it can.
func (f *follower) follow() {
	watcher := f.api.Live.Watch("") // of no environment: only its end matters
	defer watcher.Close()
	feeds := f.api.Health.Component("feeds of notifications")
	silentSince := f.api.Clock.Now()
	for f.stream.flush() {
		news, pause := f.api.Notify.News(), feedPoll
		sent, err := f.send()
		switch {
		case f.request.Context().Err() != nil:
			return // the caller left
		case err != nil:
			news, pause = nil, max(feeds.Failed(err), feedPoll)
		default:
			feeds.Succeeded()
		}
		now := f.api.Clock.Now()
		if sent {
			silentSince = now
			continue
		}
		if now.Sub(silentSince) >= heartbeat {
			f.stream.text.WriteString(": still here\n\n")
			silentSince = now
			if err == nil {
				continue
			}
			f.stream.flush()
		}
		timer := f.api.Clock.NewTimer(pause)
		select {
		case <-news:
		case <-timer.C:
		case <-watcher.Ended():
			timer.Stop()
			return
		case <-f.request.Context().Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// send writes what comes next, and reports whether there was anything.
func (f *follower) send() (bool, error) {
	found, err := f.api.Notify.Feed(f.request.Context(), f.request.environment.ID, f.after, feedPage)
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		return false, nil
	}
	last := found[len(found)-1].Position
	items, err := f.api.tellItems(f.request, found, f.subscription)
	if err != nil {
		return false, err
	}
	for i := range items {
		f.stream.text.WriteString("id: " + items[i].Cursor + "\n")
		f.stream.event("notification", &items[i])
	}
	f.after = last
	return true, nil
}
