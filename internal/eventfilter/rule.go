package eventfilter

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Rule decides by payload and context which events are for a dispatcher. What
// else takes part (environment, source, name, account) is not its affair. A nil
// Rule matches everything.
type Rule struct {
	payload *Filter
	// request is payload for events that carry a request, whose headers have
	// names in lower case.
	request *node
	context *Filter
}

// ParseRule reads the two filters of a dispatcher. Empty text and null give
// filters that match everything. The error is an [*Error] whose path starts with
// payload or context.
func (l Language) ParseRule(payload, context json.RawMessage) (*Rule, error) {
	parsed := &Rule{}
	var err error
	if parsed.payload, err = l.parseAt("payload", payload); err != nil {
		return nil, err
	}
	if parsed.context, err = l.parseAt("context", context); err != nil {
		return nil, err
	}
	parsed.request = requestNode(parsed.payload.root)
	return parsed, nil
}

// Event is a decoded event, to be matched with many rules.
type Event struct {
	payload, context any
	request          bool
	malformed        bool
}

// DecodeEvent decodes an event whose payload is any JSON. An absent payload or
// context is empty. One that is not JSON gives an event that no rule matches.
func DecodeEvent(payload, context json.RawMessage) Event {
	event := Event{}
	var errPayload, errContext error
	event.payload, errPayload = Decode(payload)
	event.context, errContext = Decode(context)
	event.malformed = errPayload != nil || errContext != nil
	return event
}

// DecodeRequestEvent decodes an event that stands for a request to an HTTP
// endpoint: its payload is {url, method, headers, rawBody}, all texts but the
// headers, an object of texts. Rules see {url, method, headers, query, body}:
// names of headers in lower case, the query of the URL, and the body if it is
// JSON. A payload of another shape gives an event that no rule matches.
func DecodeRequestEvent(payload, context json.RawMessage) Event {
	event := DecodeEvent(payload, context)
	if event.malformed {
		return event
	}
	event.request = true
	event.payload, event.malformed = requestMembers(event.payload)
	return event
}

// Match reports whether an event is for the dispatcher. A payload or context
// that is a list is matched if any of its elements is; an empty filter matches
// whatever there is.
func (r *Rule) Match(event Event) bool {
	if r == nil {
		return !event.malformed
	}
	payload := r.payload.root
	if event.request {
		payload = r.request
	}
	w := newWork()
	return !event.malformed && matchTop(payload, event.payload, w) && matchTop(r.context.root, event.context, w) && w.done()
}

func matchTop(filter *node, value any, w *work) bool {
	return filter.keys == 0 || filter.matchMember(value, w)
}

func (l Language) parseAt(name string, raw json.RawMessage) (*Filter, error) {
	parsed, err := l.Parse(raw)
	if problem, ok := errors.AsType[*Error](err); ok {
		problem.Path = strings.TrimSuffix(name+"."+problem.Path, ".")
	}
	return parsed, err
}

// requestNode returns a payload filter with what it asks of headers in lower
// case.
func requestNode(payload *node) *node {
	request := &node{keys: payload.keys, rules: slices.Clone(payload.rules)}
	for i := range request.rules {
		if rule := &request.rules[i]; rule.key == "headers" && rule.object != nil {
			rule.object = rule.object.withLowerKeys()
		}
	}
	return request
}

// requestMembers returns what rules see of the payload of a request event.
func requestMembers(payload any) (members map[string]any, malformed bool) {
	given, _ := payload.(map[string]any)
	location, okURL := given["url"].(string)
	method, okMethod := given["method"].(string)
	sent, okHeaders := given["headers"].(map[string]any)
	body, okBody := given["rawBody"].(string)
	if !okURL || !okMethod || !okHeaders || !okBody {
		return nil, true
	}
	headers := make(map[string]any, len(sent))
	for name, value := range sent {
		headers[strings.ToLower(name)] = value
	}
	members = map[string]any{"url": location, "method": method, "headers": headers, "query": map[string]any{}}
	if parsed, err := url.Parse(location); err == nil {
		members["query"] = queryMembers(parsed.RawQuery)
	}
	if json.Valid([]byte(body)) {
		if decoded, err := Decode(json.RawMessage(body)); err == nil {
			members["body"] = decoded
		}
	}
	return members, false
}
