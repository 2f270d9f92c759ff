package endpoint

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
)

// maxSourceBytes bounds the events that an app makes of one request.
const maxSourceBytes = 10 << 20

// SourceDelivery is a request that came for a source of an app.
type SourceDelivery struct {
	// Key is by which the app knows the source, DynamicTriggerID the dynamic trigger
	// that it was registered with; empty for none.
	Key, DynamicTriggerID string
	// Secret must not be logged.
	Secret string
	// Params, Data and Metadata are JSON; nil for nothing.
	Params, Data, Metadata json.RawMessage
	Request                model.IncomingRequest
}

// SourceReceipt is what an app made of such a request.
type SourceReceipt struct {
	Events []SourceEvent
	// Metadata is sent with the next request; nil to keep what is there.
	Metadata json.RawMessage
}

// SourceEvent is an event that an app made of a request.
type SourceEvent struct {
	ID          *string         `json:"id"`
	Name        string          `json:"name"`
	Source      string          `json:"source"`
	Payload     json.RawMessage `json:"payload"`
	Context     json.RawMessage `json:"context"`
	Timestamp   *protocol.Time  `json:"timestamp"`
	PayloadType string          `json:"payloadType"`
}

// DeliverSource sends DELIVER_HTTP_SOURCE_REQUEST, which has the app make events of
// a request. The error is an [*Error].
func (c *Client) DeliverSource(ctx context.Context, target Target, d SourceDelivery) (receipt SourceReceipt, err error) {
	const action = protocol.ActionDeliverSource
	header := handOver(d.Key, d.Request)
	header.Set(protocol.HeaderSourceSecret, headerText(d.Secret))
	header.Set(protocol.HeaderSourceParams, asciiJSON(orEmptyObject(d.Params)))
	header.Set(protocol.HeaderSourceData, asciiJSON(orEmptyObject(d.Data)))
	if d.Metadata != nil {
		header.Set(protocol.HeaderSourceMetadata, asciiJSON(d.Metadata))
	}
	if d.DynamicTriggerID != "" {
		header.Set(protocol.HeaderSourceDynamicID, headerText(d.DynamicTriggerID))
	}
	answer, err := c.ask(ctx, target, message{action: action, header: header, body: d.Request.Body}, c.timeout, maxSourceBytes)
	if err != nil {
		return receipt, err
	}
	body, failure := answer.read(target, action)
	if failure != nil {
		return receipt, failure
	}
	var check shape
	if members := check.object("", body); members != nil {
		check.need("events", members["events"], &receipt.Events)
		for i, event := range receipt.Events {
			check.sourceEvent(fmt.Sprintf("events.%d", i), event)
		}
		if metadata := members["metadata"]; len(metadata) > 0 && !isNull(metadata) {
			check.depth("metadata", metadata)
			receipt.Metadata = metadata
		}
	}
	if len(check.problems) > 0 {
		return receipt, misshapen(answer, target, action, check.problems[0])
	}
	return receipt, nil
}

// sourceEvent checks what of an event its members' types do not say.
func (s *shape) sourceEvent(path string, event SourceEvent) {
	s.depth(path+".payload", event.Payload)
	s.depth(path+".context", event.Context)
	if event.Name == "" {
		s.fail(path+".name", "missing value")
	}
	switch event.PayloadType {
	case "", "JSON", "REQUEST":
	default:
		s.fail(path+".payloadType", "expected JSON or REQUEST, got %.40q", event.PayloadType)
	}
}

func orEmptyObject(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("{}")
	}
	return raw
}
