package inbound_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestACallerWithAURLCannotFillTheDisk(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) {
			everywhere(c)
			c.KeptRequests, c.KeepPayloads, c.KeepRuns = 1<<20, "forever", "forever"
		}})
		production := s.As(s.Key(protocol.Production).Secret)
		app := harness.NewUnregisteredApp(t, s)
		app.SetIndex(`{"jobs":[],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[],"httpEndpoints":[` +
			`{"id":"shop","version":"1","enabled":true,"icon":"webhook","source":"shop.example","event":{"name":"shop","title":"","source":"shop.example","icon":"webhook"}}]}`)
		app.Register(production, "app")
		var listed struct{ HTTPEndpoints []struct{ URL string } }
		production.OK("GET", "/api/runhook/v1/http-endpoints", nil, &listed)
		send := func() harness.Answer {
			return s.As("").Do("POST", strings.TrimPrefix(listed.HTTPEndpoints[0].URL, s.URL), strings.Repeat("a", 400<<10))
		}
		for range 2 {
			if answer := send(); answer.Status != http.StatusOK {
				t.Fatalf("a request within the budget was answered with %d: %s", answer.Status, answer.Body)
			}
		}
		answer := send()
		if answer.Status != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" || answer.Header.Get("X-Ratelimit-Reset") == "" ||
			!strings.Contains(string(answer.Body), "--max-kept-requests") {
			t.Errorf("a request beyond the budget was answered with %d, %v: %s", answer.Status, answer.Header, answer.Body)
		}
		// They started nothing, so they are kept shortly, in PRODUCTION too.
		s.Clock.Advance(server.DefaultKeepUnverified + time.Minute)
		s.Wait("the requests to be removed", func() bool {
			s.Clock.Advance(10 * time.Minute)
			return send().Status == http.StatusOK
		})
	})
}
