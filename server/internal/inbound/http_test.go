package inbound_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// request is the payload of a run that a request started.
type request struct {
	URL, Method, RawBody string
	Headers              map[string]string
}

func requestOf(t *testing.T, x *harness.Execution) (r request) {
	t.Helper()
	if err := json.Unmarshal(x.Body.Event.Payload, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARequestStartsARunWithAllThatItWas(t *testing.T) {
	onEachDatabase(t, func(b *bench) {
		b.index(object{
			"httpEndpoints": []object{httpEndpoint("orders", nil)},
			"jobs": []object{
				listener("paid", "httpendpoint.orders", "shop.example", object{"body": object{"type": []string{"paid"}}}),
				listener("other", "httpendpoint.orders", "shop.example", object{"body": object{"type": []string{"other"}}}),
			},
		})
		body := "{\"type\": \"paid\",\r\n \"name\": \"Zoë\\u0000\" }"
		got := b.send("POST", b.address("orders")+"?b=2&a=%e9", body, "X-Request-Id", "delivery-1", "Content-Type", "application/json",
			"X-Name", "caf\xe9", "X-Twice", "1", "X-Twice", "2", "Cookie", "a=1", "Cookie", "b=2; c=3", "Connection", "X-Hop", "X-Hop", "gone", "Te", "trailers", "X-Forwarded-Proto", "https, http")
		b.wantAnswer("the request", got, 200, "")

		run := b.runsOf("paid", 1)[0]
		b.runsOf("other", 0)
		event := run.Body.Event
		sent := requestOf(b.T, run)
		if event.Name != "httpendpoint.orders" || !strings.HasSuffix(event.ID, ".delivery-1") || run.Body.Source != nil {
			b.Errorf("the event is %+v", event)
		}
		wantURL := "https" + strings.TrimPrefix(b.address("orders"), "http") + "?b=2&a=%e9"
		if sent.RawBody != body || sent.Method != "POST" || sent.URL != wantURL {
			b.Errorf("the run received %s %s with %q", sent.Method, sent.URL, sent.RawBody)
		}
		for name, want := range map[string]string{
			"content-type": "application/json", "x-name": "café", "x-twice": "1, 2", "cookie": "a=1; b=2; c=3", "x-hop": "", "te": "", "connection": "",
			"host": strings.TrimPrefix(b.s.URL, "http://"), "x-request-id": "delivery-1",
		} {
			if sent.Headers[name] != want {
				b.Errorf("the header %s is %q, want %q", name, sent.Headers[name], want)
			}
		}
	})
}

func TestARequestThatIsSentAgainStartsNothingMore(t *testing.T) {
	onEachDatabase(t, func(b *bench) {
		b.index(object{
			"httpEndpoints": []object{httpEndpoint("orders", nil)},
			"jobs":          []object{listener("job", "httpendpoint.orders", "shop.example", object{})},
		})
		long := strings.Repeat("x", 2000)
		for _, headers := range [][]string{
			{"X-Request-Id", "1"}, {"X-Request-Id", "1"},
			{"Idempotency-Key", "2", "X-Request-Id", "a"}, {"Idempotency-Key", "2", "X-Request-Id", "b"},
			{"Idempotency-Key", long}, {"Idempotency-Key", long}, {"Idempotency-Key", long + "y"},
			{"Idempotency-Key", "\xff\xfe"}, {"Idempotency-Key", "\xff\xfe"},
			nil, nil,
		} {
			b.wantAnswer("a request", b.send("POST", b.address("orders"), "", headers...), 200, "")
		}
		b.runsOf("job", 7)
	})
}

func TestWhatIsNotText(t *testing.T) {
	b := newBench(t)
	b.index(object{
		"httpEndpoints": []object{httpEndpoint("orders", nil)},
		"jobs":          []object{listener("job", "httpendpoint.orders", "shop.example", object{})},
	})
	b.wantAnswer("a body that is not UTF-8", b.send("PUT", b.address("orders"), "a\xffb"), 200, "")
	b.wantAnswer("no body", b.send("DELETE", b.address("orders"), ""), 200, "")
	for i, want := range []request{{Method: "PUT", RawBody: "a\uFFFDb"}, {Method: "DELETE"}} {
		if got := requestOf(t, b.runsOf("job", 2)[i]); got.RawBody != want.RawBody || got.Method != want.Method {
			t.Errorf("run %d received %+v", i, got)
		}
	}
}

func TestAnAddressThatLeadsNowhere(t *testing.T) {
	b := newBench(t)
	b.index(object{"httpEndpoints": []object{httpEndpoint("orders", nil), httpEndpoint("off", object{"enabled": false})}})
	address := b.address("orders")
	id, shortcode := strings.Split(address, "/")[6], address[strings.LastIndex(address, "/")+1:]
	b.wantRefusal(b.send("POST", strings.Replace(address, id, "httpendpoint_x", 1), ""), 404, "Could not find http endpoint")
	b.wantRefusal(b.send("POST", strings.Replace(address, id, "%ff%00", 1), ""), 404, "Could not find http endpoint")
	b.wantRefusal(b.send("POST", strings.Replace(address, shortcode, "no-where", 1), ""), 404, "Could not find environment")
	b.wantRefusal(b.send("POST", b.address("off"), ""), 404, "Could not find http endpoint environment")
	b.wantAnswer("another slug", b.send("POST", strings.Replace(address, "/env/dev/", "/env/anything/", 1), ""), 200, "")

	// Another environment has the same id, and another shortcode.
	other := harness.NewUnregisteredApp(t, b.s)
	b.indexAs(b.s.As(b.s.Key(protocol.Preview).Secret), other, "app", object{"httpEndpoints": []object{httpEndpoint("other", nil)}})
	preview := b.listed(b.s.As(b.s.Key(protocol.Preview).Secret))["other"].URL
	elsewhere := preview[strings.LastIndex(preview, "/")+1:]
	b.wantRefusal(b.send("POST", strings.Replace(address, shortcode, elsewhere, 1), ""), 404, "Could not find http endpoint environment")

	b.s.Development().OK("DELETE", "/api/runhook/v1/endpoints/app", nil, nil)
	b.wantRefusal(b.send("POST", address, ""), 404, "Could not find http endpoint environment")
}

func TestARequestThatIsTooLarge(t *testing.T) {
	const most = 1000
	b := newBench(t, func(c *server.Config) { c.MaximumRequest = most })
	b.index(object{"httpEndpoints": []object{httpEndpoint("orders", nil), httpEndpoint("answered", object{"immediateResponseFilter": object{}})}})
	b.wantAnswer("the largest", b.send("POST", b.address("orders"), strings.Repeat("x", most)), 200, "")
	b.wantRefusal(b.send("POST", b.address("orders"), strings.Repeat("x", most+1)), 413, "The request body is larger than the 1000 bytes that are allowed")
	b.wantAnswer("long headers for a run", b.send("POST", b.address("orders"), "", "X-Long", strings.Repeat("é", 10_000)), 200, "")
	b.wantRefusal(b.send("POST", b.address("answered"), "", "X-Long", strings.Repeat("é", 3_000)), http.StatusRequestHeaderFieldsTooLarge,
		"The URL and the headers are larger than what an app can be handed")
}
