package eventfilter_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/runhook/runhook/internal/eventfilter"
)

func TestALanguageSaysInWhichFormTextsAreCompared(t *testing.T) {
	t.Parallel()
	narrow := eventfilter.Language{Normalize: func(text string) string { return strings.ReplaceAll(text, "ａ", "a") }}
	for _, c := range []struct {
		language eventfilter.Language
		value    string
		want     bool
	}{
		{eventfilter.Language{}, `{"a":"ÄB"}`, true},
		{eventfilter.Language{}, `{"a":"A\u0308B"}`, false},
		{eventfilter.Language{}, `{"a":"ä\u200bb"}`, true},
		{narrow, `{"a":"ÄB"}`, true},
	} {
		parsed, err := c.language.Parse(json.RawMessage(`{"a":[{"$ignoreCaseEquals":"äb"}]}`))
		if err != nil || parsed.Match(json.RawMessage(c.value)) != c.want {
			t.Errorf("%s matches: %t (%v), want %t", c.value, !c.want, err, c.want)
		}
	}
	for want, language := range map[bool]eventfilter.Language{false: {}, true: narrow} {
		parsed, err := language.ParseRule(json.RawMessage(`{"a":[{"$ignoreCaseEquals":"ａ"}]}`), nil)
		if err != nil || parsed.Match(eventfilter.DecodeEvent(json.RawMessage(`{"a":"A"}`), nil)) != want {
			t.Errorf("a wide letter matches a narrow one: %t (%v), want %t", !want, err, want)
		}
	}
}
