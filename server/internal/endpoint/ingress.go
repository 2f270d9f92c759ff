package endpoint

import (
	"errors"
	"fmt"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/filter"
)

// longestKey bounds the key of an HTTP endpoint or a webhook, in bytes: it stands in
// headers, in names of events and in indexes.
const longestKey = 500

// ingressIssues returns a line for each thing that is wrong with the HTTP endpoints
// and the webhooks of an index.
func ingressIssues(document protocol.Index) []string {
	var lines []string
	note := func(what, id string, check shape) {
		for _, problem := range check.problems {
			lines = append(lines, fmt.Sprintf("- %s %q: %s.", what, id, problem))
		}
	}
	listed := map[string]bool{}
	for _, e := range document.HTTPEndpoints {
		var check shape
		check.key("id", e.ID)
		_, err := filter.ParseRequest(e.ImmediateResponseFilter)
		if problem, ok := errors.AsType[*filter.Error](err); ok {
			check.fail(join("immediateResponseFilter", problem.Path), "invalid filter: it %s", problem.Problem)
		}
		listed[e.ID] = true
		note("HTTP endpoint", e.ID, check)
	}
	for _, w := range document.Webhooks {
		var check shape
		check.key("key", w.Key)
		if !listed[w.HTTPEndpoint.ID] {
			check.fail("httpEndpoint.id", "there is no HTTP endpoint %q", w.HTTPEndpoint.ID)
		}
		note("Webhook", w.Key, check)
	}
	if len(lines) > maxIssues {
		return append(lines[:maxIssues], "- ... and more.")
	}
	return lines
}

// key checks what identifies something that gets requests.
func (s *shape) key(path, key string) {
	visible := func(char rune) bool { return char > ' ' && char <= '~' }
	switch {
	case key == "":
		s.fail(path, "empty value")
	case len(key) > longestKey:
		s.fail(path, "expected at most %d characters, got %d", longestKey, len(key))
	case strings.ContainsFunc(key, func(char rune) bool { return !visible(char) }):
		s.fail(path, "expected visible ASCII characters only")
	}
}
