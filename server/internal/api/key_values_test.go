package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestTheKeyValueStore(t *testing.T) {
	t.Parallel()
	at := func(key string) string { return "/api/v1/store/" + url.PathEscape(key) }
	harness.RunCases(t, harness.Cases{
		"keeps a text under any key, byte for byte": func(t *testing.T, s *harness.Server, _ *harness.App) {
			api := s.Development()
			for _, key := range []string{"plain", "job:a:b", "run:run_1:x", "50%", "a/b", "a//b", "ünï ☃", "a?b#c&d=e+f", "%2F"} {
				value := `{"n":12345678901234567890, "t":"<&>ü"}`
				var set, got struct{ Action, Key, Value string }
				api.OK("PUT", at(key), value, &set, "Content-Type", "text/plain")
				api.OK("GET", at(key), nil, &got)
				if set.Action != "SET" || set.Key != key || set.Value != value || got.Action != "GET" || got.Key != key || got.Value != value {
					t.Errorf("%q: set answers %+v, get %+v", key, set, got)
				}
				checkHead(t, api, at(key), 200)
				checkMember(t, api.OK("DELETE", at(key), nil, nil), "deleted", "true")
				checkMember(t, api.OK("DELETE", at(key), nil, nil), "deleted", "false")
				checkHead(t, api, at(key), 404)
			}
		},
		"distinguishes no value from an empty one": func(t *testing.T, s *harness.Server, _ *harness.App) {
			api := s.Development()
			if _, there := api.OK("GET", at("empty"), nil, nil).Members()["value"]; there {
				t.Error("a key that has no value has a member value")
			}
			checkMember(t, api.OK("PUT", at("empty"), "", nil), "value", `""`)
			checkMember(t, api.OK("GET", at("empty"), nil, nil), "value", `""`)
		},
		"counts the size of a value in UTF-16 units": func(t *testing.T, s *harness.Server, _ *harness.App) {
			api := s.Development()
			for unit, length := range map[string]int{"a": 1, "ü": 1, "☃": 1, "😀": 2} {
				most := strings.Repeat(unit, 256<<10/length)
				api.OK("PUT", at("large"), most, nil)
				answer := api.Do("PUT", at("large"), most+unit)
				checkStatus(t, answer, 413)
				if got := answer.Error(); got != "Max request body size exceeded: 262144 bytes" {
					t.Errorf("the error is %q", got)
				}
			}
		},
		"is each environment's own, for secret keys": func(t *testing.T, s *harness.Server, _ *harness.App) {
			s.Development().OK("PUT", at("own"), `1`, nil)
			if _, there := s.As(s.Key(protocol.Production).Secret).OK("GET", at("own"), nil, nil).Members()["value"]; there {
				t.Error("another environment sees the value")
			}
			public := s.As(s.Key(protocol.Development).Public)
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				checkStatus(t, public.Do(method, at("own"), nil), 401)
			}
			checkHead(t, public, at("own"), 401)
		},
		"refuses what it cannot keep": func(t *testing.T, s *harness.Server, _ *harness.App) {
			api := s.Development()
			checkStatus(t, api.Do("PUT", at("bad"), "\xff"), 400)
			checkStatus(t, api.Do("PUT", at("bad"), "gr\xfc"), 400)
			checkStatus(t, api.Do("PUT", at("gr\xfc"), "1"), 400)
			checkStatus(t, api.Do("PUT", at(strings.Repeat("k", 2001)), "1"), 400)
			checkStatus(t, api.Do("POST", at("bad"), "1"), 405)
		},
	})
}

// checkHead checks the status of an answer that has no body.
func checkHead(t *testing.T, client *harness.Client, path string, want int) {
	t.Helper()
	if got := client.Do("HEAD", path, nil).Status; got != want {
		t.Errorf("HEAD %s answers %d, want %d", path, got, want)
	}
}
