package outbox_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/test/harness"
)

type feedPage struct {
	Items  []feedItem
	Cursor string
	More   bool
}

type feedItem struct {
	Cursor, ID, RunID string
	Sequence          int
	Payload           json.RawMessage
	Body              string
	Headers           map[string]string
}

const feedPath = "/api/runhook/v1/notifications/feed"

func TestAReceiverThatWasDownReadsWhatItMissed(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		made, _ := harness.NewSubscriber(t, s, harness.Fields{"enabled": false})
		_, done := harness.NewSubscriber(t, s, nil)
		var runs []string
		for range 5 {
			runs = append(runs, app.Succeed())
			done.WaitFor(len(runs))
		}
		var read []string
		page := feedPage{More: true}
		for page.More {
			var next feedPage
			s.Development().OK("GET", feedPath+"?limit=3&subscription="+made.ID+"&after="+page.Cursor, nil, &next)
			for _, item := range next.Items {
				read = append(read, item.RunID)
				if !strings.Contains(string(item.Payload), item.RunID) || item.Sequence != 1 {
					t.Errorf("the item is %+v", item)
				}
			}
			page = next
		}
		if strings.Join(read, " ") != strings.Join(runs, " ") {
			t.Errorf("read %v, want %v", read, runs)
		}
		var end feedPage
		s.Development().OK("GET", feedPath+"?after="+page.Cursor, nil, &end)
		if len(end.Items) != 0 || end.Cursor != page.Cursor || end.More {
			t.Errorf("after the end there is %+v", end)
		}
		for _, after := range []string{"x", "-1", "1.5"} {
			harness.CheckStatus(t, s.Development().Do("GET", feedPath+"?after="+after, nil), 400)
		}
	})
}

// events opens the feed as a stream and returns its events as they come.
func events(t *testing.T, s *harness.Server, lastID string) func() (id string, item feedItem) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+feedPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+s.Key("DEVELOPMENT").Secret)
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	return func() (id string, item feedItem) {
		for lines.Scan() {
			text := lines.Text()
			if value, ok := strings.CutPrefix(text, "id: "); ok {
				id = value
			}
			if value, ok := strings.CutPrefix(text, "data: "); ok {
				if err := json.Unmarshal([]byte(value), &item); err != nil {
					t.Errorf("data %q: %v", value, err)
				}
			}
			if text == "" && id != "" {
				return id, item
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return "", item
	}
}

func TestTheFeedIsFollowedLiveAndResumed(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		harness.NewSubscriber(t, s, nil)
		before := app.Succeed()
		s.Development().WaitRun(before, "SUCCESS")
		next := events(t, s, "")
		ready, _ := next()
		first, second := app.Succeed(), ""
		id, item := next()
		if item.RunID != first || item.Cursor != id {
			t.Errorf("event %s is %+v, want run %s", id, item, first)
		}
		second = app.Succeed()
		if _, item := next(); item.RunID != second {
			t.Errorf("the second event is %+v, want run %s", item, second)
		}
		// A reader that comes back resumes where it was.
		resumed := events(t, s, ready)
		resumed()
		for _, want := range []string{first, second} {
			if _, item := resumed(); item.RunID != want {
				t.Errorf("resumed with %+v, want run %s", item, want)
			}
		}
		fromStart := events(t, s, "0")
		fromStart()
		if _, item := fromStart(); item.RunID != before {
			t.Errorf("the feed begins with %+v, want run %s", item, before)
		}
	})
}

func TestAContinuedRunSupersedesItsNotifications(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	_, done := harness.NewSubscriber(t, s, nil)
	fails := harness.Always(harness.Failure("no"))
	run := app.Run(nil, fails, fails)
	done.WaitFor(1)
	s.Development().OK("POST", "/api/runhook/v1/runs/"+run+"/continue", nil, nil)
	second := done.WaitFor(2)
	if got := second.Header.Get("Runhook-Sequence"); got != "2" {
		t.Errorf("the second end is number %s", got)
	}
	var page feedPage
	s.Development().OK("GET", feedPath, nil, &page)
	if len(page.Items) != 2 || page.Items[1].Sequence != 2 {
		t.Fatalf("the feed is %+v", page)
	}
	earlier, later := s.Development().Notification(page.Items[0].ID), s.Development().Notification(page.Items[1].ID)
	if earlier.Sequence != 1 || earlier.SupersededAt == nil || later.SupersededAt != nil || later.ID != second.ID {
		t.Errorf("the notifications are %+v and %+v", earlier, later)
	}
}

func TestAllThatFailedIsReplayedToOneDestination(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		down, done := harness.NewSubscriber(t, s, harness.Fields{"schedule": []int{0}}, harness.Replies(2, harness.HTTP(500, ""))...)
		harness.NewSubscriber(t, s, harness.Fields{"schedule": []int{0}}, harness.Replies(2, harness.HTTP(500, ""))...)
		since := s.Clock.Now()
		for n := 1; n <= 2; n++ {
			app.Succeed()
			done.WaitFor(n)
			s.Development().WaitSubscribed(down.ID, 1)
		}
		s.Clock.Advance(time.Hour)
		replay := func(fields harness.Fields) (answer struct{ Replayed int }) {
			t.Helper()
			s.Development().OK("POST", "/api/runhook/v1/notifications/replay", fields, &answer)
			return answer
		}
		if got := replay(harness.Fields{"destination": done.URL, "since": since.Add(time.Minute)}); got.Replayed != 0 {
			t.Errorf("%d were made after that", got.Replayed)
		}
		if got := replay(harness.Fields{"destination": done.URL, "since": since}); got.Replayed != 2 {
			t.Errorf("%d were replayed", got.Replayed)
		}
		done.WaitFor(4)
		if n := s.Development().WaitSubscribed(down.ID, 2); n.Status != "DELIVERED" {
			t.Errorf("the notification is %+v", n)
		}
		s.Development().ChangeSubscription(down.ID, harness.Fields{"enabled": false})
		app.Succeed()
		s.Wait("it to be held", func() bool {
			list, _ := s.Development().Notifications(map[string][]string{"status": {"HELD"}})
			return len(list) == 1
		})
		s.Development().ChangeSubscription(down.ID, harness.Fields{"enabled": true})
		if got := replay(harness.Fields{"subscription": down.ID, "since": since, "status": "held"}); got.Replayed != 1 {
			t.Errorf("%d were replayed", got.Replayed)
		}
		done.WaitFor(5)
		for _, body := range []string{`{}`, `{"destination":"http://a","subscription":"b","since":"2026-01-01T00:00:00Z"}`, `{"subscription":"b"}`, `{"subscription":"b","since":"2026-01-01T00:00:00Z","status":"delivered"}`} {
			harness.CheckStatus(t, s.Development().Do("POST", "/api/runhook/v1/notifications/replay", body), 400)
		}
	})
}
