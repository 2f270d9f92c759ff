package inbound_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestWhatAnAppNoLongerHasIsSwitchedOffAndComesBackAsItWas(t *testing.T) {
	onEachDatabase(t, func(b *bench) {
		b.index(object{"httpEndpoints": []object{httpEndpoint("orders", object{"immediateResponseFilter": object{"method": []string{"PUT"}}, "skipTriggeringRuns": true})}})
		before := b.listed(b.s.Development())["orders"]
		if !before.Active || before.Source != "shop.example" {
			b.Errorf("the HTTP endpoint is %+v", before)
		}
		b.index(object{})
		if gone := b.listed(b.s.Development())["orders"]; gone.Active || gone.URL != before.URL {
			b.Errorf("the HTTP endpoint that is gone is %+v", gone)
		}
		b.wantRefusal(b.send("POST", before.URL, ""), 404, "Could not find http endpoint environment")
		// What it does not say any more it no longer has.
		b.index(object{"httpEndpoints": []object{httpEndpoint("orders", object{"source": "other"})}})
		if back := b.listed(b.s.Development())["orders"]; !back.Active || back.URL != before.URL || back.Source != "other" {
			b.Errorf("the HTTP endpoint that is back is %+v", back)
		}
		b.wantAnswer("a request that was for the app to answer", b.send("PUT", before.URL, ""), 200, "")
	})
}

func TestAnAppTouchesNeitherThoseOfOthersNorThoseOfOtherEnvironments(t *testing.T) {
	b := newBench(t)
	preview := b.s.As(b.s.Key(protocol.Preview).Secret)
	other := harness.NewUnregisteredApp(t, b.s)
	b.indexAs(b.s.Development(), other, "other", webhook("theirs", "a"))
	b.registered(b.s.Development(), "theirs", object{"active": true, "config": object{"event": []string{"a"}}})
	b.indexAs(preview, b.app, "app", object{"httpEndpoints": []object{httpEndpoint("orders", nil)}})
	b.index(object{"httpEndpoints": []object{httpEndpoint("orders", nil)}})
	b.index(object{})
	b.s.Development().OK("DELETE", "/api/runhook/v1/endpoints/app", nil, nil)
	if got := b.listed(b.s.Development()); !got["theirs"].Active || got["orders"].Active {
		t.Errorf("in DEVELOPMENT there are %+v", got)
	}
	if got := b.listed(preview); len(got) != 1 || !got["orders"].Active {
		t.Errorf("in PREVIEW there are %+v", got)
	}
	handed := make(chan string, 1)
	other.Handle(protocol.ActionDeliverWebhook, func(_ http.Header, body []byte) harness.Reply {
		handed <- string(body)
		return verified
	})
	b.wantAnswer("a request to theirs", b.send("POST", b.address("theirs"), "for them"), 200, accepted)
	if got := <-handed; got != "for them" {
		t.Errorf("the other app was handed %q", got)
	}
}

func TestAWebhookThatAnAppNoLongerHasReceivesNothing(t *testing.T) {
	b := newBench(t)
	b.index(webhook("shop", "a"))
	b.registered(b.s.Development(), "shop", object{"active": true, "config": object{"event": []string{"a"}}})
	url := b.address("shop")
	b.index(object{"jobs": webhook("shop", "a")["jobs"]})
	b.wantRefusal(b.send("POST", url, ""), 404, "Could not find http endpoint environment")
	// It is still registered when it is back.
	b.index(webhook("shop", "a"))
	b.asked("shop", 1)
	taker := b.takes(func(string) harness.Reply { return verified })
	b.wantAnswer("a request", b.send("POST", url, "back"), 200, accepted)
	b.waitBodies(taker, "back")
}

func TestAnIndexThatCannotBeKeptFailsAsAWhole(t *testing.T) {
	b := newBench(t)
	b.index(object{"httpEndpoints": []object{httpEndpoint("orders", nil)}})
	orphan := webhook("shop", "a")
	orphan["httpEndpoints"] = []object{}
	badKey := webhook("shop", "a")
	badKey["webhooks"].([]object)[0]["key"] = "a b"
	for want, document := range map[string]object{
		`- HTTP endpoint "": empty value at "id".`:                                                                           {"httpEndpoints": []object{httpEndpoint("", nil)}},
		`- HTTP endpoint "é": expected visible ASCII characters only at "id".`:                                               {"httpEndpoints": []object{httpEndpoint("é", nil)}},
		`expected at most 500 bytes, got 501 at "id".`:                                                                       {"httpEndpoints": []object{httpEndpoint(strings.Repeat("x", 501), nil)}},
		`- HTTP endpoint "new": invalid filter: it is a number: want a list of methods at "immediateResponseFilter.method".`: {"httpEndpoints": []object{httpEndpoint("new", object{"immediateResponseFilter": object{"method": 1}})}},
		`- Webhook "shop": there is no HTTP endpoint "shop" at "httpEndpoint.id".`:                                           orphan,
		`- Webhook "a b": expected visible ASCII characters only at "key".`:                                                  badKey,
	} {
		answer := b.index(document)
		var failure struct{ Error struct{ Message string } }
		decode(t, answer.Body, &failure)
		if !strings.Contains(failure.Error.Message, want) {
			t.Errorf("the index is %s, want %s", answer.Body, want)
		}
	}
	if got := b.listed(b.s.Development()); len(got) != 1 || !got["orders"].Active {
		t.Errorf("afterwards there are %+v", got)
	}
}

func TestHTTPEndpointsAreListedPageByPage(t *testing.T) {
	b := newBench(t)
	var all []object
	for n := range 12 {
		all = append(all, httpEndpoint(fmt.Sprintf("e%02d", n), nil))
	}
	b.index(object{"httpEndpoints": all})
	var ids []string
	for cursor := ""; ; {
		var page struct {
			HTTPEndpoints []listed `json:"httpEndpoints"`
			NextCursor    string
		}
		b.s.Development().OK("GET", "/api/runhook/v1/http-endpoints?take=5&cursor="+cursor, nil, &page)
		for _, e := range page.HTTPEndpoints {
			ids = append(ids, e.ID)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	got := b.listed(b.s.Development())
	if want := slices.Sorted(maps.Keys(got)); len(got) != 12 || !slices.Equal(ids, want) {
		t.Errorf("page by page there are %v, at once %v", ids, want)
	}
	members := b.s.As(b.s.Key(protocol.Preview).Secret).OK("GET", "/api/runhook/v1/http-endpoints", nil, nil)
	if string(members.Body) != "{\"httpEndpoints\":[]}\n" {
		t.Errorf("an environment without any answers %s", members.Body)
	}
}
