// Package filter is package eventfilter with the one thing that takes a library: texts
// that $ignoreCaseEquals compares are brought into Unicode's form NFKC. Its types and
// limits are those of eventfilter, where they are described.
package filter

import (
	"encoding/json"

	"golang.org/x/text/unicode/norm"

	"github.com/runhook/runhook/internal/eventfilter"
)

var language = eventfilter.Language{Normalize: norm.NFKC.String}

// The types of package eventfilter.
type (
	Filter           = eventfilter.Filter
	Rule             = eventfilter.Rule
	Event            = eventfilter.Event
	Request          = eventfilter.Request
	IncomingRequest  = eventfilter.IncomingRequest
	Response         = eventfilter.Response
	ReceivedResponse = eventfilter.ReceivedResponse
	Error            = eventfilter.Error
)

// The limits of package eventfilter.
const (
	MaxBytes = eventfilter.MaxBytes
	MaxDepth = eventfilter.MaxDepth
	MaxRules = eventfilter.MaxRules
)

// Parse reads an event filter: see [eventfilter.Language.Parse].
func Parse(raw json.RawMessage) (*Filter, error) { return language.Parse(raw) }

// ParseRule reads the two filters of a dispatcher: see [eventfilter.Language.ParseRule].
func ParseRule(payload, context json.RawMessage) (*Rule, error) {
	return language.ParseRule(payload, context)
}

// ParseRequest reads a filter of requests: see [eventfilter.Language.ParseRequest].
func ParseRequest(raw json.RawMessage) (*Request, error) { return language.ParseRequest(raw) }

// ParseResponse reads a filter of answers: see [eventfilter.Language.ParseResponse].
func ParseResponse(raw json.RawMessage) (*Response, error) { return language.ParseResponse(raw) }

// Decode decodes JSON text for [Filter.MatchDecoded]: see [eventfilter.Decode].
func Decode(raw json.RawMessage) (any, error) { return eventfilter.Decode(raw) }

// DecodeEvent decodes an event: see [eventfilter.DecodeEvent].
func DecodeEvent(payload, context json.RawMessage) Event {
	return eventfilter.DecodeEvent(payload, context)
}

// DecodeRequestEvent decodes an event that stands for a request: see
// [eventfilter.DecodeRequestEvent].
func DecodeRequestEvent(payload, context json.RawMessage) Event {
	return eventfilter.DecodeRequestEvent(payload, context)
}
