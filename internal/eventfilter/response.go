package eventfilter

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// Response is a filter of answers to a poll: an object with any of status (a
// list of numbers), headers and body. All of those given must match. One that is
// nil matches everything, as {} does.
type Response struct {
	statuses []float64 // nil: any
	headers  *node
	body     *node
}

// ReceivedResponse is what a [Response] filter is applied to.
type ReceivedResponse struct {
	Status int
	// Header may have names in any case.
	Header http.Header
	Body   []byte
}

// ParseResponse reads a filter of answers. Empty text and null give one that
// matches everything; members it does not know are ignored. The error is an
// [*Error]. Of headers it asks the same as [Language.ParseRequest].
func (l Language) ParseResponse(raw json.RawMessage) (*Response, error) {
	members, err := decodeMembers(raw)
	if err != nil {
		return nil, err
	}
	parsed, p := &Response{}, &parser{language: l}
	if list, ok := members["status"]; ok {
		if parsed.statuses, err = parseStatuses(list, place{}.at("status")); err != nil {
			return nil, err
		}
	}
	if parsed.headers, err = p.headers(members); err != nil {
		return nil, err
	}
	if parsed.body, err = p.member(members, "body", false); err != nil {
		return nil, err
	}
	return parsed, nil
}

// Match reports whether the filter matches an answer. The body is read as JSON;
// one that is not JSON is matched only if the filter has no body.
func (f *Response) Match(response ReceivedResponse) bool {
	if f == nil {
		return true
	}
	if f.statuses != nil && !slices.Contains(f.statuses, float64(response.Status)) {
		return false
	}
	w := newWork()
	return matchHeaders(f.headers, response.Header, w) && matchBody(f.body, response.Body, w) && w.done()
}

func parseStatuses(value any, at place) ([]float64, error) {
	items, ok := value.([]any)
	if !ok {
		return nil, at.errorf("is %s: want a list of numbers", describe(value))
	}
	parsed := make([]float64, 0, len(items))
	for i, item := range items {
		status, ok := number(item)
		if !ok {
			return nil, at.at(strconv.Itoa(i)).errorf("is %s: want a number", describe(item))
		}
		parsed = append(parsed, status)
	}
	return parsed, nil
}
