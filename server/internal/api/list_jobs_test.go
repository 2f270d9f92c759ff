package api_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestListingJobs(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		app.SetIndex(harness.Index(harness.Job(harness.JobID, "1.1.0"), harness.Job("another", "2.0.0")))
		app.Register(s.Development(), "app")
		answer := s.Development().Do("GET", "/api/runhook/v1/jobs", nil)
		want := `{"jobs":[` +
			`{"id":"another","name":"A job","internal":false,"version":"2.0.0","status":"ACTIVE","endpoint":"app","trigger":{"type":"invoke"},"versions":[{"version":"2.0.0","status":"ACTIVE","latest":true}]},` +
			`{"id":"job","name":"A job","internal":false,"version":"1.1.0","status":"ACTIVE","endpoint":"app","trigger":{"type":"invoke"},"versions":[{"version":"1.0.0","status":"ACTIVE","latest":false},{"version":"1.1.0","status":"ACTIVE","latest":true}]}]}`
		if got := strings.TrimSpace(string(answer.Body)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		answer = s.As(s.Key(protocol.Staging).Secret).Do("GET", "/api/runhook/v1/jobs", nil)
		checkMember(t, answer, "jobs", "[]")
	})
}

// listed returns the ids of all pages of a list.
func listed(client *harness.Client, list, query string) (ids []string) {
	for cursor, first := "", true; first || cursor != ""; first = false {
		page := map[string]any{}
		client.OK("GET", "/api/runhook/v1/"+list+"?"+query+"&cursor="+url.QueryEscape(cursor), nil, &page)
		items, _ := page[list].([]any)
		for _, item := range items {
			ids = append(ids, item.(map[string]any)["id"].(string))
		}
		cursor, _ = page["nextCursor"].(string)
	}
	return ids
}

func TestJobsAndEventsAreListedByWhatTheyAre(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		listens := strings.Replace(harness.Job("b-listens", "1.0.0"), `{"type":"invoke"}`,
			`{"type":"static","title":"Event","rule":{"event":"paid","source":"shop","payload":{}}}`, 1)
		app.SetIndex(harness.Index(harness.Job("a", "1.0.0"), listens, harness.Job("c", "1.0.0")))
		app.Register(s.Development(), "app")
		c := s.Development()
		for _, event := range []string{
			`{"event":{"id":"1","name":"paid","source":"shop"}}`, `{"event":{"id":"2","name":"paid"}}`,
			`{"event":{"id":"3","name":"lost","source":"shop"},"options":{"accountId":"customer"}}`,
		} {
			c.OK("POST", "/api/v1/events", event, nil)
		}
		c.Invoke("a", "{}") // which makes no event to be listed
		for _, test := range []struct {
			list, query string
			want        []string
		}{
			{"jobs", "", []string{"a", "b-listens", "c", "job"}},
			{"jobs", "take=1", []string{"a", "b-listens", "c", "job"}},
			{"jobs", "take=2&trigger=invoke", []string{"a", "c", "job"}},
			{"jobs", "trigger=static", []string{"b-listens"}},
			{"jobs", "slug=c", []string{"c"}},
			{"jobs", "slug=b", nil},
			{"jobs", "status=DISABLED", []string{"job"}},
			{"jobs", "status=ACTIVE&endpoint=app&take=1", []string{"a", "b-listens", "c"}},
			{"jobs", "endpoint=another", nil},
			{"events", "", []string{"3", "2", "1"}},
			{"events", "take=1", []string{"3", "2", "1"}},
			{"events", "name=paid", []string{"2", "1"}},
			{"events", "source=shop&take=1", []string{"3", "1"}},
			{"events", "delivered=true", []string{"1"}},
			{"events", "delivered=false", []string{"3", "2"}},
			{"events", "test=true", nil},
			{"events", "since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z", nil},
			{"events", "since=2020-01-01T00:00:00Z&name=lost", []string{"3"}},
		} {
			if got := listed(c, test.list, test.query); !slices.Equal(got, test.want) {
				t.Errorf("%s?%s: got %v, want %v", test.list, test.query, got, test.want)
			}
		}
		for _, query := range []string{"jobs?trigger=cron", "jobs?status=active", "jobs?take=x", "events?test=maybe", "events?since=yesterday", "events?delivered=2"} {
			checkStatus(t, c.Do("GET", "/api/runhook/v1/"+query, nil), 400)
		}
		for _, list := range []string{"jobs", "events"} {
			if got := listed(s.As(s.Key(protocol.Staging).Secret), list, ""); len(got) != 0 {
				t.Errorf("another environment sees the %s %v", list, got)
			}
			checkStatus(t, s.As(s.Key(protocol.Development).Public).Do("GET", "/api/runhook/v1/"+list, nil), 401)
		}
		if _, more := c.OK("GET", "/api/runhook/v1/events?name=lost", nil, nil).Members()["nextCursor"]; more {
			t.Error("the last page points to another")
		}
	})
}
