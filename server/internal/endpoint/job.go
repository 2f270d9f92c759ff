package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cron"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
)

// maxIssues bounds the list of what is wrong with an index.
const maxIssues = 100

var versionPattern = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// jobIssues returns a line for each thing that is wrong with the jobs of an
// index.
func jobIssues(jobs []json.RawMessage) []string {
	var lines []string
	seen := map[string]bool{}
	for i, raw := range jobs {
		name := fmt.Sprintf("Job number %d", i+1)
		var check shape
		if members := check.object("", raw); members != nil {
			id, version := check.job(members)
			if id != "" {
				name = "Job " + quoted(id)
			}
			key := id + "@" + version
			if id != "" && seen[key] {
				check.fail("id", "version %s of this job is defined more than once", version)
			}
			seen[key] = true
		}
		for _, problem := range check.problems {
			lines = append(lines, fmt.Sprintf("- %s: %s.", name, problem))
		}
		if len(lines) > maxIssues {
			return append(lines[:maxIssues], "- ... and more.")
		}
	}
	return lines
}

// job checks the members of a job and returns what identifies it.
func (s *shape) job(members map[string]json.RawMessage) (id, version string) {
	var name, startPosition string
	var flag bool
	if s.identifier("id", members["id"], &id) {
		s.fits("id", id, model.LimitJobID)
		if problem := protocol.PathProblem(id); problem != "" {
			s.fail("id", "an id that can stand in a path is needed: %s", problem)
		}
	}
	s.filled("name", members["name"], &name)
	if s.filled("version", members["version"], &version) && s.fits("version", version, model.LimitJobVersion) && !versionPattern.MatchString(version) {
		s.fail("version", "expected three numbers such as 1.0.0, got %.40q", version)
	}
	s.need("enabled", members["enabled"], &flag)
	s.need("preprocessRuns", members["preprocessRuns"], &flag)
	s.option("internal", members["internal"], &flag)
	if s.need("startPosition", members["startPosition"], &startPosition) {
		s.oneOf("startPosition", startPosition, "initial", "latest")
	}
	var integrations map[string]json.RawMessage
	s.option("integrations", members["integrations"], &integrations)
	s.event("event", members["event"])
	s.trigger("trigger", members["trigger"])
	s.concurrencyLimit("concurrencyLimit", members["concurrencyLimit"])
	return id, version
}

func (s *shape) event(path string, raw json.RawMessage) {
	members := s.object(path, raw)
	if members == nil {
		return
	}
	var text string
	s.eventNames(path+".name", members["name"])
	s.need(path+".title", members["title"], &text)
	s.source(path+".source", members["source"])
	s.need(path+".icon", members["icon"], &text)
	var filter map[string]json.RawMessage
	s.option(path+".filter", members["filter"], &filter)
	var properties []protocol.DisplayProperty
	s.option(path+".properties", members["properties"], &properties)
}

func (s *shape) trigger(path string, raw json.RawMessage) {
	members := s.object(path, raw)
	if members == nil {
		return
	}
	var kind, id string
	if !s.need(path+".type", members["type"], &kind) {
		return
	}
	switch kind {
	case "static":
		s.names(path+".title", members["title"])
		s.rule(path+".rule", members["rule"])
	case "scheduled":
		s.schedule(path+".schedule", members["schedule"])
	case "dynamic":
		if s.identifier(path+".id", members["id"], &id) {
			s.fits(path+".id", id, model.LimitDynamicID)
		}
	case "invoke":
	default:
		s.oneOf(path+".type", kind, "static", "scheduled", "dynamic", "invoke")
	}
}

func (s *shape) rule(path string, raw json.RawMessage) {
	members := s.object(path, raw)
	if members == nil {
		return
	}
	s.eventNames(path+".event", members["event"])
	s.source(path+".source", members["source"])
	s.filter(path+".payload", members["payload"])
	s.filter(path+".context", members["context"])
}

// filter checks an event filter, which may be absent.
func (s *shape) filter(path string, raw json.RawMessage) {
	_, err := filter.Parse(raw)
	if problem, ok := errors.AsType[*filter.Error](err); ok {
		s.fail(join(path, problem.Path), "invalid filter: it %s", problem.Problem)
	}
}

func (s *shape) schedule(path string, raw json.RawMessage) {
	members := s.object(path, raw)
	if members == nil {
		return
	}
	var kind string
	if !s.need(path+".type", members["type"], &kind) {
		return
	}
	if !s.oneOf(path+".type", kind, "interval", "cron") {
		return
	}
	options := s.object(path+".options", members["options"])
	if options == nil {
		return
	}
	of := protocol.Schedule{Type: protocol.ScheduleType(kind)}
	if of.Type == protocol.ScheduleCron {
		if !s.need(path+".options.cron", options["cron"], &of.Options.Cron) {
			return
		}
	} else if !s.need(path+".options.seconds", options["seconds"], &of.Options.Seconds) {
		return
	}
	var account string
	s.option(path+".accountId", members["accountId"], &account)
	s.fits(path+".accountId", account, model.LimitAccountID)
	if _, err := cron.New(of); err != nil {
		problem, _ := errors.AsType[*cron.Problem](err)
		s.fail(join(path, problem.Path), "%v", problem.Err)
	}
}

// concurrencyLimit checks a limit: a number, or a named group with a number.
func (s *shape) concurrencyLimit(path string, raw json.RawMessage) {
	if len(raw) == 0 || isNull(raw) {
		return
	}
	if raw[0] == '{' {
		group := s.object(path, raw)
		var id string
		if s.filled(path+".id", group["id"], &id) {
			s.fits(path+".id", id, model.LimitConcurrencyID)
		}
		path, raw = path+".limit", group["limit"]
	}
	var limit int
	if s.need(path, raw, &limit) && limit < 1 {
		s.fail(path, "expected a number greater than zero, got %d", limit)
	}
}

// source checks the source of events.
func (s *shape) source(path string, raw json.RawMessage) {
	var source string
	s.need(path, raw, &source)
	s.fits(path, source, model.LimitEventSource)
}

// names reads a value that is a string or an array of strings.
func (s *shape) names(path string, raw json.RawMessage) []string {
	if len(raw) > 0 && raw[0] == '[' {
		var several []string
		s.need(path, raw, &several)
		return several
	}
	var one string
	s.need(path, raw, &one)
	return []string{one}
}

// eventNames checks the name of an event, or an array of them.
func (s *shape) eventNames(path string, raw json.RawMessage) {
	for _, name := range s.names(path, raw) {
		s.fits(path, name, model.LimitEventName)
	}
}

// filled reads a string that must not be empty, and reports whether it is so.
func (s *shape) filled(path string, raw json.RawMessage, into *string) bool {
	if !s.need(path, raw, into) {
		return false
	}
	if *into == "" {
		s.fail(path, "empty value")
		return false
	}
	return true
}

// identifier reads a string by which the app will know something again: it must come
// back as it is.
func (s *shape) identifier(path string, raw json.RawMessage, into *string) bool {
	if !s.filled(path, raw, into) {
		return false
	}
	if !protocol.IsWholeText(raw) || strings.IndexByte(*into, 0) >= 0 {
		s.fail(path, "expected whole characters, got U+0000 or half of a surrogate pair in %.40q", *into)
		return false
	}
	return true
}

func (s *shape) oneOf(path, value string, permitted ...string) bool {
	if slices.Contains(permitted, value) {
		return true
	}
	s.fail(path, "expected one of %q, got %.40q", permitted, value)
	return false
}
