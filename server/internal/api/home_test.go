package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTheRootIsAPageThatSaysWhatThisIs(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.Version = "v1.2.3<b>" }})
	for _, accept := range []string{"", "*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html, application/json"} {
		answer := s.As("").Do("GET", "/", nil, "Accept", accept)
		page := string(answer.Body)
		for _, want := range []string{"Runhook", "Version v1.2.3&lt;b&gt;", "docs/api.md", "docs/notifications.md", "prefers-color-scheme: dark", `name="color-scheme" content="light dark"`} {
			if answer.Status != 200 || !strings.Contains(page, want) {
				t.Errorf("with Accept %q it is answered %d without %s", accept, answer.Status, want)
			}
		}
		if kind := answer.Header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
			t.Errorf("with Accept %q it is %s", accept, kind)
		}
		if !strings.HasPrefix(answer.Header.Get("Content-Security-Policy"), "default-src 'none'") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("its headers are %v", answer.Header)
		}
		for _, kind := range []protocol.EnvironmentType{protocol.Production, protocol.Development} {
			if key := s.Key(kind); strings.Contains(page, key.Secret) {
				t.Errorf("it shows the key of %s", kind)
			}
		}
	}
}

func TestTheRootIsJSONForClientsThatAskForIt(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	for _, accept := range []string{"application/json", "application/json, text/html;q=0.1", "Application/JSON;q=0.9"} {
		answer := s.As("").Do("GET", "/", nil, "Accept", accept)
		var said struct{ Name, Version, Documentation string }
		if err := json.Unmarshal(answer.Body, &said); err != nil || said.Name != "runhook" || said.Version != "dev" || said.Documentation == "" {
			t.Errorf("with Accept %q it is answered %d %s: %v", accept, answer.Status, answer.Body, err)
		}
	}
}
