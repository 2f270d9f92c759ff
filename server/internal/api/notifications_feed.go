package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// feedPage is how many items of a feed are streamed at once at the most.
	feedPage = 100
	// feedPoll is how often a stream looks for what other processes wrote.
	feedPoll = time.Second
)

// feedItem is a notification in the feed, but for its payload and body.
type feedItem struct {
	// Cursor is where to continue after this item.
	Cursor string `json:"cursor"`
	notification
	// Headers are those of a delivery made now: what verifies a webhook verifies an
	// item by them and its body.
	Headers map[string]string `json:"headers,omitempty"`
}

// readFeedFilter reads which notifications of a feed to show.
func readFeedFilter(r *request) (f store.FeedFilter, err error) {
	query := r.URL.Query()
	f.SubscriptionID = query.Get("subscription")
	if text := query.Get("ends"); text != "" {
		if f.Ends, err = strconv.ParseBool(text); err != nil {
			return f, model.Errorf(model.Invalid, "Invalid query parameter: ends must be true or false, not %q", text)
		}
	}
	if f.Ends && f.SubscriptionID != "" {
		return f, model.Errorf(model.Invalid, "Invalid query parameters: ends and subscription exclude each other")
	}
	return f, nil
}

// readFeed returns a page of the feed, and the headers of each of its items.
func (a *API) readFeed(r *request, filter store.FeedFilter, after int64, page store.Page) (read store.FeedPage, headers []map[string]string, err error) {
	if read, err = a.Outbox.Feed(r.Context(), r.environment.ID, filter, after, page); err != nil {
		return read, nil, err
	}
	headers, err = a.Outbox.Headers(r.Context(), r.environment, read.Items)
	return read, headers, err
}

// feedItem writes an item of a feed as an object.
func (j *jsonWriter) feedItem(p store.Placed, headers map[string]string) {
	j.open()
	j.members(feedItem{strconv.FormatInt(p.Position, 10), encodeNotification(p.Notification), headers})
	j.message(p.Notification)
	j.close()
}

// feed is GET /api/runhook/v1/notifications/feed: the notifications of the
// environment in a fixed order, after a cursor. With the filter subscription it
// has only those of one; with ends, the end of each run once, also of those that
// have no destination. If the caller accepts text/event-stream, it lasts for as long as the
// caller listens.
func (a *API) feed(w http.ResponseWriter, r *request) error {
	filter, err := readFeedFilter(r)
	if err != nil {
		return err
	}
	if filter.Ends && r.Method != http.MethodHead {
		if err := a.Outbox.Follow(r.Context(), r.environment.ID); err != nil {
			return err
		}
	}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return a.streamFeed(w, r, filter)
	}
	after, err := position("after", r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	limit, err := numberParameter(r, "limit", usualPage, mostPage)
	if err != nil {
		return err
	}
	return a.answerLarge(w, r, func(j *jsonWriter, room reserve) error {
		page, headers, err := a.readFeed(r, filter, after, store.Page{Items: limit, Bytes: answer.PageBytes, Reserve: room})
		if err != nil {
			return err
		}
		j.open()
		j.list("items", func() {
			for i, item := range page.Items {
				j.next()
				j.feedItem(item, headers[i])
			}
		})
		// Cursor is where to resume, whether there were items or not; more is false when
		// there is nothing after it yet.
		j.member("cursor", strconv.FormatInt(page.Last, 10))
		j.member("more", page.More)
		j.end()
		return nil
	})
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
// so that a browser or library that reconnects continues where it was. Without a
// cursor it begins with what is new.
func (a *API) streamFeed(w http.ResponseWriter, r *request, filter store.FeedFilter) error {
	from := r.Header.Get("Last-Event-ID")
	if from == "" {
		from = r.URL.Query().Get("after")
	}
	after, err := position("after", from)
	if err == nil && from == "" {
		after, err = a.Outbox.FeedEnd(r.Context(), r.environment.ID)
	}
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	follower := follower{api: a, request: r, filter: filter, after: after,
		stream: stream{ResponseController: http.NewResponseController(w), w: w, shown: r.shown, log: a.Log}}
	follower.stream.text.WriteString(fmt.Sprintf("id: %d\nevent: ready\ndata: {}\n\n", after))
	follower.follow()
	return nil
}

// follower streams a feed to one caller.
type follower struct {
	api     *API
	request *request
	filter  store.FeedFilter
	after   int64
	stream  stream
}

// follow ends when the caller leaves or the server stops. While the feed cannot be
// read, the stream stays open and continues when it can.
func (f *follower) follow() {
	subscriber := f.api.PubSub.Subscribe("") // of no environment: only its end matters
	defer subscriber.Close()
	feeds := f.api.Health.Component("feeds of notifications")
	silentSince := f.api.Clock.Now()
	followedAt := silentSince
	for f.stream.flush() {
		news, pause := f.api.Outbox.News(), feedPoll
		if now := f.api.Clock.Now(); f.filter.Ends && now.Sub(followedAt) >= heartbeat {
			followedAt = now
			// A failure shows in send, too; there are more heartbeats until it matters.
			_ = f.api.Outbox.Follow(f.request.Context(), f.request.environment.ID)
		}
		sent, err := f.send()
		switch {
		case f.request.Context().Err() != nil, errors.Is(err, errNotWritten):
			return // the caller left
		case errors.Is(err, budget.ErrExceeded):
			pause = feedPoll // others are read now
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
		case <-subscriber.Ended():
			timer.Stop()
			return
		case <-f.request.Context().Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// errNotWritten means that a part of a page may have been written.
var errNotWritten = errors.New("the stream was not written")

// send writes what comes next, and reports whether there was anything. A reader who is
// slow holds disk, not memory.
func (f *follower) send() (bool, error) {
	made := f.api.Answers.New(f.request.environment.ID)
	defer made.Close()
	var page store.FeedPage
	err := f.api.makeAnswer(f.request, made, func(j *jsonWriter, room reserve) error {
		read, headers, err := f.api.readFeed(f.request, f.filter, f.after, store.Page{Items: feedPage, Bytes: answer.PageBytes, Reserve: room})
		if err != nil {
			return err
		}
		page = store.FeedPage{Last: read.Last, More: read.More}
		for i, item := range read.Items {
			j.text(fmt.Sprintf("id: %d\nevent: notification\ndata: ", item.Position))
			j.feedItem(item, headers[i])
			j.text("\n\n")
		}
		return nil
	})
	if err != nil || page.Last == f.after {
		return false, err
	}
	if _, err := made.WriteTo(f.stream.w); err != nil {
		return false, fmt.Errorf("%w: %w", errNotWritten, err)
	}
	f.after = page.Last
	return true, nil
}
