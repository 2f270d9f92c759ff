package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// mostDepth is how deep a message of the protocol can be with the values it carries.
const mostDepth = protocol.MaxDepth + protocol.MaxEnvelopeDepth

// checkDepth says where JSON is nested more than limit levels deep. What does not
// begin as an array or object does is left to others.
func checkDepth(body []byte, limit int) *problem {
	begin := bytes.TrimLeft(body, " \t\r\n")
	if len(begin) == 0 || begin[0] != '{' && begin[0] != '[' {
		return nil
	}
	if deep, ok := errors.AsType[*protocol.DepthError](protocol.CheckDepth(body, limit)); ok {
		return &problem{deep.Path, depthMessage}
	}
	return nil
}

var depthMessage = model.DepthMessage("a value")

// depth checks a value of the app's own, in which nothing else is looked at.
func (s *shape) depth(path string, raw json.RawMessage) {
	if protocol.CheckDepth(raw, protocol.MaxDepth) != nil {
		s.fail(path, "%s", depthMessage)
	}
}
