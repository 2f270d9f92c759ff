package endpoint

import (
	"errors"
	"fmt"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
)

// otherIssues returns a line for each thing that is wrong with what an index has
// beside jobs.
func otherIssues(document protocol.Index) []string {
	var found issues
	for _, source := range document.Sources {
		found.named("Source", source.Key, "key", model.LimitSourceKey)
	}
	for _, trigger := range document.DynamicTriggers {
		found.named("Dynamic trigger", trigger.ID, "id", model.LimitDynamicID)
	}
	for _, schedule := range document.DynamicSchedules {
		found.named("Dynamic schedule", schedule.ID, "id", model.LimitDynamicID)
	}
	found.ingress(document)
	if len(found.lines) > maxIssues {
		return append(found.lines[:maxIssues], "- ... and more.")
	}
	return found.lines
}

// issues collects what is wrong with a document, a line for each.
type issues struct{ lines []string }

// note adds what a check of a thing has found.
func (i *issues) note(what, id string, check shape) {
	for _, problem := range check.problems {
		i.lines = append(i.lines, fmt.Sprintf("- %s %s: %s.", what, quoted(id), problem))
	}
}

// named checks how long the text is by which a thing is known.
func (i *issues) named(what, id, path string, limit model.Limit) {
	var check shape
	check.fits(path, id, limit)
	i.note(what, id, check)
}

// quoted returns an id for a message, of which a long one is cut.
func quoted(id string) string { return fmt.Sprintf("%.100q", id) }

func (i *issues) ingress(document protocol.Index) {
	listed := map[string]bool{}
	for _, e := range document.HTTPEndpoints {
		var check shape
		check.key("id", e.ID)
		check.fits("source", e.Source, model.LimitEventSource)
		_, err := filter.ParseRequest(e.ImmediateResponseFilter)
		if problem, ok := errors.AsType[*filter.Error](err); ok {
			check.fail(join("immediateResponseFilter", problem.Path), "invalid filter: it %s", problem.Problem)
		}
		listed[e.ID] = true
		i.note("HTTP endpoint", e.ID, check)
	}
	for _, w := range document.Webhooks {
		var check shape
		check.key("key", w.Key)
		if !listed[w.HTTPEndpoint.ID] {
			check.fail("httpEndpoint.id", "there is no HTTP endpoint %q", w.HTTPEndpoint.ID)
		}
		i.note("Webhook", w.Key, check)
	}
}

// key checks what identifies something that gets requests.
func (s *shape) key(path, key string) {
	visible := func(char rune) bool { return char > ' ' && char <= '~' }
	switch {
	case key == "":
		s.fail(path, "empty value")
	case !s.fits(path, key, model.LimitHTTPEndpointKey):
	case strings.ContainsFunc(key, func(char rune) bool { return !visible(char) }):
		s.fail(path, "expected visible ASCII characters only")
	}
}
