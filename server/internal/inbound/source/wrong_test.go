package source_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestARequestOfWhichAnAppMakesWrongEventsIsNotRetried(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]string{
		"no list of events":           `{"response":{"status":200},"events":"none"}`,
		"an event without a name":     `{"events":[{"id":"good","name":"a"},{"payload":{}}]}`,
		"an unknown kind of payload":  `{"events":[{"id":"good","name":"a"},{"name":"a","payloadType":"XML"}]}`,
		"a name that cannot be kept":  `{"events":[{"id":"good","name":"a"},{"name":"a\u0000"}]}`,
		"a name that is far too long": `{"events":[{"id":"good","name":"a"},{"name":"` + strings.Repeat("a", 2000) + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Elsewhere than in DEVELOPMENT, where there is but one attempt anyway.
			s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.EgressAllow = "127.0.0.0/8" }})
			production := s.As(s.Key(protocol.Production).Secret)
			app := harness.NewUnregisteredApp(t, s)
			app.SetIndex(`{"jobs":[],"sources":[],"dynamicSchedules":[],"dynamicTriggers":[{"id":"issues","jobs":[]}]}`)
			app.Register(production, "app")
			var got protocol.RegisterSource
			production.OK("PUT", "/api/v2/app/triggers/issues/registrations/all", `{"rule":{"event":"a","source":"tracker"},
				"source":{"version":"2","channel":"HTTP","key":"tracker","params":{},"options":{"event":["a"]},"integration":{"id":"i","metadata":{"id":"i","name":"I"},"authSource":"LOCAL"}}}`, &got)
			production.OK("PUT", "/api/v2/app/sources/"+got.Source.Key, `{"options":{"event":["a"]}}`, nil)

			var mu sync.Mutex
			var handed []string
			app.Handle(protocol.ActionDeliverSource, func(_ http.Header, body []byte) harness.Reply {
				mu.Lock()
				defer mu.Unlock()
				handed = append(handed, string(body))
				if string(body) == "wrong" {
					return harness.JSON(wrong)
				}
				return harness.JSON(`{"events":[{"id":"next","name":"a"}]}`)
			})
			for _, body := range []string{"wrong", "right"} {
				response, err := http.Post(got.Source.Channel.URL, "text/plain", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
			}
			s.Wait("the next request to be handled, at the same time", func() bool {
				return production.Do("GET", "/api/v2/events/next", nil).Status == http.StatusOK
			})
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(handed, []string{"wrong", "right"}) {
				t.Errorf("the app was handed %q", handed)
			}
			if got := production.Do("GET", "/api/v2/events/good", nil).Status; got != http.StatusNotFound {
				t.Errorf("the event beside a wrong one was answered with %d: an answer is kept whole or not at all", got)
			}
		})
	}
}
