package gosdk

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTheFeedContinuesAfterACursor(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		var job *runhook.Job[line, string]
		a := start(t, database, shop(&job))
		to := a.receive(http.StatusOK)
		mine, err := a.client.CreateSubscription(a.ctx, client.SubscriptionSettings{URL: to.url}, client.Signing{Secret: subscriptionSecret})
		a.must(err)
		_, err = a.client.CreateSubscription(a.ctx, client.SubscriptionSettings{URL: to.url + "/other"}, client.Signing{Secret: subscriptionSecret})
		a.must(err)
		first, second := a.sell(job, "lamp", 1, protocol.RunSuccess), a.sell(job, "bulb", 1, protocol.RunSuccess)
		if all := collect(t, a.client.ListFeed(a.ctx, "", client.FeedFilter{})); len(all) != 4 {
			t.Fatalf("the feed has %d items, want 4", len(all))
		}
		items := collect(t, a.client.ListFeed(a.ctx, "", client.FeedFilter{SubscriptionID: mine.ID}))
		if len(items) != 2 || items[0].RunID != first || items[0].Kind != client.RunEnded {
			t.Fatalf("the feed is %+v", items)
		}
		for range 2 { // a list may be read again
			rest := collect(t, a.client.ListFeed(a.ctx, items[0].Cursor, client.FeedFilter{SubscriptionID: mine.ID}))
			if len(rest) != 1 || rest[0].RunID != second || len(rest[0].Payload) == 0 {
				t.Errorf("after the first: %+v", rest)
			}
		}
		for _, err := range a.client.ListFeed(a.ctx, "yesterday", client.FeedFilter{}) {
			var refused *runhook.APIError
			if !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest {
				t.Errorf("after what is no cursor: %v", err)
			}
		}
	})
}

// TestTheFeedIsFollowedOverLostConnections reads one item per connection.
func TestTheFeedIsFollowedOverLostConnections(t *testing.T) {
	var job *runhook.Job[line, string]
	a := start(t, "", shop(&job))
	to := a.receive(http.StatusOK)
	_, err := a.client.CreateSubscription(a.ctx, client.SubscriptionSettings{URL: to.url}, client.Signing{Secret: subscriptionSecret})
	a.must(err)
	target, err := url.Parse(a.server.URL)
	a.must(err)
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	proxy := httptest.NewServer(forward)
	t.Cleanup(func() {
		proxy.CloseClientConnections()
		proxy.Close()
	})
	follower, err := client.New(client.Config{
		APIKey: a.server.Key(protocol.Staging).Secret, APIURL: proxy.URL, Logger: slog.New(slog.DiscardHandler),
	})
	a.must(err)
	ctx, stop := context.WithCancelCause(a.ctx)
	defer stop(nil)
	enough := errors.New("that is enough")
	want := []string{a.sell(job, "before", 1, protocol.RunSuccess)}
	var got []string
	for item, err := range follower.FollowFeed(ctx, "0", client.FeedFilter{}) {
		if err != nil {
			if !errors.Is(err, enough) {
				t.Errorf("it ended with %v", err)
			}
			break
		}
		got = append(got, item.RunID)
		if len(got) == 3 {
			stop(enough)
			continue
		}
		proxy.CloseClientConnections()
		want = append(want, a.sell(job, "after", 1, protocol.RunSuccess))
	}
	for i := range want {
		if len(got) != len(want) || got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestAFeedThatIsRefusedIsNotFollowed(t *testing.T) {
	a := start(t, "", func(*runhook.App) {})
	stranger, err := client.New(client.Config{APIKey: "tr_stg_stranger", APIURL: a.server.URL})
	a.must(err)
	ended := false
	for _, err := range stranger.FollowFeed(a.ctx, "", client.FeedFilter{}) {
		var refused *runhook.APIError
		if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized {
			t.Errorf("it ended with %v", err)
		}
		ended = true
	}
	if !ended {
		t.Error("it ended without a reason")
	}
}
