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
// beside jobs. whole is false if some text of it may have been changed as it was decoded.
func otherIssues(document protocol.Index, whole bool) []string {
	found := issues{whole: whole}
	for _, source := range document.Sources {
		found.named("Source", source.Key, "key", model.LimitSourceKey)
		found.inHeader("Source", source.Key, "key")
		for name, values := range source.Options {
			for _, text := range append(values, name) {
				found.isKept("Source", source.Key, "options."+name, text)
			}
		}
	}
	for _, trigger := range document.DynamicTriggers {
		found.named("Dynamic trigger", trigger.ID, "id", model.LimitDynamicID)
		found.inPath("Dynamic trigger", trigger.ID)
		found.inHeader("Dynamic trigger", trigger.ID, "id")
	}
	for _, schedule := range document.DynamicSchedules {
		found.named("Dynamic schedule", schedule.ID, "id", model.LimitDynamicID)
		found.inPath("Dynamic schedule", schedule.ID)
	}
	found.ingress(document)
	if len(found.lines) > maxIssues {
		return append(found.lines[:maxIssues], "- ... and more.")
	}
	return found.lines
}

// issues collects what is wrong with a document, a line for each.
type issues struct {
	lines []string
	whole bool
}

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
	i.isKept(what, id, path, id)
}

// isKept checks that a text by which the app will know something again was not changed
// as it was decoded.
func (i *issues) isKept(what, id, path, text string) {
	var check shape
	if !i.whole && strings.ContainsAny(text, "\x00\uFFFD") {
		check.fail(path, "expected whole characters, got U+0000 or half of a surrogate pair in %.40q", text)
	}
	i.note(what, id, check)
}

// inHeader checks that the app finds something again by an id that it is handed in a
// header, which the SDKs read with a character for each byte.
func (i *issues) inHeader(what, id, path string) {
	var check shape
	if err := model.CheckCarried(path, id); err != nil {
		check.fail("", "%s", err)
	}
	i.note(what, id, check)
}

// inPath checks whether an id can stand in the paths that apps write it into.
func (i *issues) inPath(what, id string) {
	var check shape
	if problem := protocol.PathProblem(id); problem != "" {
		check.fail("id", "an id that can stand in a path is needed: %s", problem)
	}
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
		for name, values := range w.Config {
			for _, text := range append(values, name) {
				i.isKept("Webhook", w.Key, "config."+name, text)
			}
		}
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
