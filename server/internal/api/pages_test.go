package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// bulky is JSON of which two do not fit into the bytes of a page.
var bulky = `"` + strings.Repeat("x", 1_500_000) + `"`

// readPages asks for a list page by page and returns the ids of the items of each.
func readPages(c *harness.Client, path, items, next string, cursor string) (pages [][]string) {
	for at := ""; ; {
		members := c.Do("GET", path+"&"+cursor+"="+at, nil).Members()
		var found []struct{ ID, Name, Key string }
		var ids []string
		if json.Unmarshal(members[items], &found) == nil {
			for _, item := range found {
				ids = append(ids, item.ID)
			}
		}
		pages = append(pages, ids)
		if at = ""; members[next] != nil {
			_ = json.Unmarshal(members[next], &at)
		}
		if at == "" || len(pages) > 10 {
			return pages
		}
	}
}

func wantPages(t *testing.T, of string, pages [][]string, want ...int) {
	t.Helper()
	counts := make([]int, len(pages))
	seen := map[string]bool{}
	for i, page := range pages {
		counts[i] = len(page)
		for _, id := range page {
			if seen[id] || id == "" {
				t.Errorf("%s: %q is on two pages", of, id)
			}
			seen[id] = true
		}
	}
	if !slices.Equal(counts, want) {
		t.Errorf("the pages of %s have %v items, want %v", of, counts, want)
	}
}

func TestAPageHasNoMoreBytesThanItMayAndOneItemAtLeast(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		to := harness.NewReceiver(t, s)
		params := func(c *protocol.CreateTask) { c.Params = json.RawMessage(bulky) }
		run := app.Run(nil, func(x *harness.Execution) harness.Reply {
			for i := range 4 {
				task := x.Task(fmt.Sprint(i), params)
				x.Complete(task, `1`)
			}
			return harness.Success("1")
		})
		s.Development().WaitRun(run, protocol.RunSuccess)
		for range 3 {
			app.Run(`{"payload":`+bulky+`,"options":{"callbackUrl":"`+to.URL+`"}}`, harness.Always(harness.Success("2")))
		}
		to.WaitFor(3)

		c := s.Development()
		wantPages(t, "a run's details", readPages(c, "/api/runhook/v1/runs/"+run+"?taskTake=100", "tasks", "nextTaskCursor", "taskCursor"), 1, 1, 1, 1)
		wantPages(t, "a run's tasks with their details", readPages(c, "/api/v2/runs/"+run+"?taskdetails=true", "tasks", "nextCursor", "cursor"), 1, 1, 1, 1)
		wantPages(t, "a run's tasks", readPages(c, "/api/v2/runs/"+run+"?take=50", "tasks", "nextCursor", "cursor"), 4)
		wantPages(t, "the notifications", readPages(c, "/api/runhook/v1/notifications?take=50", "notifications", "nextCursor", "cursor"), 3)
		feed := readPages(c, "/api/runhook/v1/notifications/feed?limit=50", "items", "cursor", "after")
		for len(feed) > 0 && len(feed[len(feed)-1]) == 0 {
			feed = feed[:len(feed)-1] // its cursor never ends
		}
		wantPages(t, "the feed", feed, 1, 1, 1)

		var page struct {
			Items []struct {
				Payload json.RawMessage
				Body    string
			}
			More bool
		}
		c.OK("GET", "/api/runhook/v1/notifications/feed", nil, &page)
		if len(page.Items) != 1 || !page.More {
			t.Fatalf("the page has %d items and more is %t", len(page.Items), page.More)
		}
		item := page.Items[0]
		sent := func(d harness.Delivered) bool { return string(d.Body) == item.Body }
		if !slices.ContainsFunc(to.Delivered(), sent) || string(item.Payload) != item.Body {
			t.Error("the body or the payload is not as it was sent")
		}
	})
}

func TestARunHasSoManyStatusesAndSoManyBytesOfThem(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	run := openRun(s, harness.NewApp(t, s))
	put := func(key, body string) harness.Answer {
		return s.Development().Do("PUT", "/api/v1/runs/"+run+"/statuses/"+key, body)
	}
	for i := range 1000 {
		checkStatus(t, put(fmt.Sprint(i), `{"label":"a"}`), 200)
	}
	refused := put("one too many", `{"label":"a"}`)
	checkStatus(t, refused, http.StatusBadRequest)
	if !strings.Contains(refused.Error(), "1000 statuses") {
		t.Errorf("the refusal is %q", refused.Error())
	}
	checkStatus(t, put("7", `{"label":"b"}`), 200)
	large := `{"data":{"text":"` + strings.Repeat("x", 9<<20) + `"}}`
	checkStatus(t, put("1", large), 200)
	refused = put("2", large)
	checkStatus(t, refused, http.StatusRequestEntityTooLarge)
	if !strings.Contains(refused.Error(), "16 MiB") {
		t.Errorf("the refusal is %q", refused.Error())
	}
	// The history of one gives way to the statuses themselves.
	checkStatus(t, put("1", `{"state":"success"}`), 200)
	var answer struct{ Statuses []protocol.ProgressStatus }
	s.Development().OK("GET", "/api/v2/runs/"+run+"/statuses", nil, &answer)
	if len(answer.Statuses) != 1000 || answer.Statuses[1].State != "success" || len(answer.Statuses[1].Data) < 9<<20 || len(answer.Statuses[1].History) != 0 {
		t.Errorf("there are %d statuses, the second with %d entries of history", len(answer.Statuses), len(answer.Statuses[1].History))
	}
}

// bulkEvents is the body of a bulk send of events with ids.
func bulkEvents(prefix string, count int, last string) string {
	var body strings.Builder
	body.WriteString(`{ "options" : {} , "events" : [`)
	for i := range count {
		fmt.Fprintf(&body, ` { "id":"%s-%d", "name":"n", "payload":{"text":"]}\"\\", "i":%d} } ,`, prefix, i, i)
	}
	body.WriteString(last + ` ] }`)
	return body.String()
}

func TestABulkSendRecordsAnyNumberOfEventsInOrder(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		const count = 2500
		c := s.Development()
		invalid := c.Do("POST", "/api/v1/events/bulk", bulkEvents("a", count, `{"name":7}`))
		checkStatus(t, invalid, http.StatusUnprocessableEntity)
		if !strings.Contains(invalid.Error(), fmt.Sprintf("events.%d.name", count)) {
			t.Errorf("the refusal is %q", invalid.Error())
		}
		if answer := c.Do("GET", "/api/v2/events/a-0", nil); answer.Status != http.StatusNotFound {
			t.Errorf("an event of a batch that was refused is there: %d", answer.Status)
		}
		for range 2 { // to send them again records nothing twice
			var sent []protocol.EventLog
			c.OK("POST", "/api/v1/events/bulk", bulkEvents("a", count, `{"id":"a-3","name":"another","payload":{}}`), &sent)
			if len(sent) != count+1 {
				t.Fatalf("%d events were answered", len(sent))
			}
			for i, event := range sent[:count] {
				if event.ID != fmt.Sprintf("a-%d", i) || string(event.Payload) != fmt.Sprintf(`{"text":"]}\"\\","i":%d}`, i) || event.DeliverAt == nil {
					t.Fatalf("event %d is %+v", i, event)
				}
			}
			if last := sent[count]; last.ID != "a-3" || last.Name != "n" || string(last.Payload) != string(sent[3].Payload) {
				t.Errorf("the event that was there already is %+v", last)
			}
		}
		if empty := c.Do("POST", "/api/v1/events/bulk", `{"events":[]}`); empty.Status != 200 || strings.TrimSpace(string(empty.Body)) != "[]" {
			t.Errorf("no events are answered %d %s", empty.Status, empty.Body)
		}
	})
}

func TestABulkSendThatFailsOnTheWaySaysHowManyEventsWereRecorded(t *testing.T) {
	t.Parallel()
	database := harness.Postgres(t)
	s := harness.Start(t, harness.Options{Database: database})
	stop := harness.Refuse(t, database, "events", "NEW.event_id = 'a-1200'")
	c := s.Development()
	answer := c.Do("POST", "/api/v1/events/bulk", bulkEvents("a", 1500, `{"id":"last","name":"n","payload":1}`))
	if answer.Status < 500 || !strings.Contains(answer.Error(), "The first 1000 of the 1501 events were recorded") {
		t.Errorf("answered %d %s", answer.Status, answer.Body)
	}
	checkStatus(t, c.Do("GET", "/api/v2/events/a-999", nil), 200)
	checkStatus(t, c.Do("GET", "/api/v2/events/a-1000", nil), 404)
	stop()
	var sent []protocol.EventLog
	c.OK("POST", "/api/v1/events/bulk", bulkEvents("a", 1500, `{"id":"last","name":"n","payload":1}`), &sent)
	if len(sent) != 1501 {
		t.Errorf("%d events were answered to sending them again", len(sent))
	}
}
