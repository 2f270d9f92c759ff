package source_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// carriedRegistration registers a source of the key with a dynamic trigger.
func carriedRegistration(key string) map[string]any {
	return map[string]any{
		"rule": map[string]any{"event": "a", "source": "tracker"},
		"source": map[string]any{"version": "2", "channel": "HTTP", "key": key, "params": map[string]any{}, "options": map[string]any{"event": []string{"a"}},
			"integration": map[string]any{"id": "i", "metadata": map[string]any{"id": "i", "name": "I"}, "authSource": "LOCAL"}},
	}
}

func TestWhatNoHeaderCanCarryIsRefused(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app, client := harness.NewUnregisteredApp(t, s), s.Development()
		app.SetIndex(`{"jobs":[],"sources":[],"dynamicSchedules":[],"dynamicTriggers":[{"id":"issues","jobs":[]}]}`)
		app.Register(client, "app")
		refused := func(what, field, method, path string, body any) {
			t.Helper()
			answer := client.Do(method, path, body)
			if text := string(answer.Body); answer.Status != http.StatusBadRequest || !strings.Contains(text, field) {
				t.Errorf("%s: answered %d: %s; want 400 naming %q", what, answer.Status, text, field)
			}
		}
		const registrations = "/api/v2/app/triggers/issues/registrations/"
		for _, key := range []string{"漢字", "a\nb", "a\x7f", " a", "a\u00a0", "😀"} {
			refused("the key of a source", "source.key", "PUT", registrations+"all", carriedRegistration(key))
			refused("the key of a registration", "key of the registration", "PUT", registrations+url.PathEscape(key), carriedRegistration("k"))
		}
		refused("the id of an app", "id has the character", "POST", "/api/v1/endpoints", map[string]any{"id": "漢字", "url": app.URL})

		var got protocol.RegisterSource
		client.OK("PUT", registrations+url.PathEscape("grün\té"), carriedRegistration("a ÿ\u0080"), &got)
		path := "/api/v2/app/sources/" + url.PathEscape(got.Source.Key)
		for _, secret := range []string{"漢字 and more", "line\nline", "nul\u0000", " blank", "delete \x7f", strings.Repeat("s", 1001)} {
			answer := client.Do("PUT", path, map[string]any{"options": map[string]any{"event": []string{"a"}}, "secret": secret})
			if text := string(answer.Body); answer.Status != http.StatusBadRequest || !strings.Contains(text, "secret") || strings.Contains(text, "and more") {
				t.Errorf("the secret %.20q was answered with %d: %s", secret, answer.Status, text)
			}
		}
		client.OK("PUT", path, map[string]any{"options": map[string]any{"event": []string{"a"}}, "secret": "grün \u0080ÿ"}, nil)
		handed := make(chan http.Header, 1)
		app.Handle(protocol.ActionDeliverSource, func(header http.Header, _ []byte) harness.Reply {
			handed <- header
			return harness.JSON(`{"events":[]}`)
		})
		response, err := http.Post(got.Source.Channel.URL, "text/plain", strings.NewReader("a"))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		header := <-handed
		if key, secret := header.Get(protocol.HeaderSourceKey), header.Get(protocol.HeaderSourceSecret); !strings.HasSuffix(key, ":gr\xfcn\t\xe9:a \xff\x80") || secret != "gr\xfcn \x80\xff" {
			t.Errorf("the app was handed the key %q and the secret %q; want a byte for each character", key, secret)
		}
	})
}
