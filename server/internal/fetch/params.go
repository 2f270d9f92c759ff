package fetch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/filter"
)

// Fetch is what a fetch or fetch-response task asks for. Make it with
// [ParseFetch].
type Fetch struct {
	request      request
	retries      []statusRetry // the first that matches counts
	timeout      time.Duration
	timeoutRetry *backoff // nil if none was given
}

// Poll is what a fetch-poll task asks for. Make it with [ParsePoll].
type Poll struct {
	request        request
	until          *filter.Response
	interval       time.Duration
	timeout        time.Duration
	requestTimeout time.Duration
	timeoutRetry   *backoff // nil if none was given
}

// Bounds of what parameters can ask for; values beyond are brought within.
const (
	minTimeout         = time.Second
	maxTimeout         = 5 * time.Minute
	defaultTimeout     = 2 * time.Minute
	minInterval        = 10 * time.Second
	maxInterval        = 10 * time.Minute
	defaultInterval    = 10 * time.Second
	minPollTimeout     = 30 * time.Second
	maxPollTimeout     = time.Hour
	defaultPollTimeout = 10 * time.Minute
	maxRequestTimeout  = 5 * time.Second
)

// ParseFetch reads {url, requestInit?: {method?, headers?, body?}, retry?:
// {status pattern: strategy}, timeout?: {durationInMs, retry?}}. An error names
// the member that is wrong and never its value, which may be secret.
func ParseFetch(params json.RawMessage) (*Fetch, error) {
	members, err := parseObject(params, "")
	if err != nil {
		return nil, err
	}
	parsed := &Fetch{}
	if parsed.request, err = parseRequest(members); err != nil {
		return nil, err
	}
	if parsed.retries, err = parseRetries(members); err != nil {
		return nil, err
	}
	parsed.timeout, parsed.timeoutRetry, err = parseTimeout(members, "timeout", defaultTimeout, maxTimeout)
	return parsed, err
}

// ParsePoll reads {url, interval?, timeout?, responseFilter, requestInit?,
// requestTimeout?}; interval and timeout are seconds. Its errors are like those
// of [ParseFetch].
func ParsePoll(params json.RawMessage) (*Poll, error) {
	members, err := parseObject(params, "")
	if err != nil {
		return nil, err
	}
	parsed := &Poll{}
	if parsed.request, err = parseRequest(members); err != nil {
		return nil, err
	}
	if parsed.interval, err = members.duration("interval", time.Second, defaultInterval, minInterval, maxInterval); err != nil {
		return nil, err
	}
	if parsed.timeout, err = members.duration("timeout", time.Second, defaultPollTimeout, minPollTimeout, maxPollTimeout); err != nil {
		return nil, err
	}
	if !members.has("responseFilter") {
		return nil, members.errorf("responseFilter", "is missing: say which answer ends the poll")
	}
	if parsed.until, err = filter.ParseResponse(members.raw["responseFilter"]); err != nil {
		return nil, fmt.Errorf("responseFilter: %w", err)
	}
	parsed.requestTimeout, parsed.timeoutRetry, err = parseTimeout(members, "requestTimeout", maxRequestTimeout, maxRequestTimeout)
	return parsed, err
}

// parseTimeout reads {durationInMs, retry?}.
func parseTimeout(members object, name string, usual, most time.Duration) (time.Duration, *backoff, error) {
	if !members.has(name) {
		return usual, nil, nil
	}
	timeout, err := members.object(name)
	if err != nil {
		return 0, nil, err
	}
	duration, err := timeout.duration("durationInMs", time.Millisecond, usual, minTimeout, most)
	if err != nil || !timeout.has("retry") {
		return duration, nil, err
	}
	options, err := timeout.object("retry")
	if err != nil {
		return 0, nil, err
	}
	retry, err := parseBackoff(options)
	return duration, retry, err
}

// object is a JSON object whose members are read by name. A member that is null
// counts as absent.
type object struct {
	path string
	raw  map[string]json.RawMessage
}

func parseObject(raw json.RawMessage, path string) (object, error) {
	parsed := object{path: path}
	if err := json.Unmarshal(raw, &parsed.raw); err != nil || parsed.raw == nil {
		if path == "" {
			path = "the parameters"
		}
		return object{}, fmt.Errorf("%s: want an object", path)
	}
	return parsed, nil
}

func (o object) has(name string) bool {
	raw, ok := o.raw[name]
	return ok && string(raw) != "null"
}

// names returns the names of the members in order, so that errors do not change
// from one attempt to the next.
func (o object) names() []string { return slices.Sorted(maps.Keys(o.raw)) }

func (o object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

func (o object) errorf(name, format string, args ...any) error {
	return fmt.Errorf("%.200s %s", o.at(name), fmt.Sprintf(format, args...))
}

func (o object) object(name string) (object, error) {
	return parseObject(o.raw[name], o.at(name))
}

// text returns a member that is text, or "" if it is absent.
func (o object) text(name string) (text string, err error) {
	if !o.has(name) {
		return "", nil
	}
	if json.Unmarshal(o.raw[name], &text) != nil {
		return "", o.errorf(name, "must be text")
	}
	return text, nil
}

func (o object) number(name string, usual float64) (float64, error) {
	if !o.has(name) {
		return usual, nil
	}
	var number float64
	if json.Unmarshal(o.raw[name], &number) != nil {
		return 0, o.errorf(name, "must be a number")
	}
	return number, nil
}

func (o object) duration(name string, unit, usual, least, most time.Duration) (time.Duration, error) {
	number, err := o.number(name, float64(usual/unit))
	if err != nil {
		return 0, err
	}
	return time.Duration(min(max(number*float64(unit), float64(least)), float64(most))), nil
}
