package transport

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/runhook/runhook/internal/jsontext"
	"github.com/runhook/runhook/protocol"
)

// EncodeEvent adds a payload and a context, of which nil ones are left out, to an event
// that is to be sent.
func EncodeEvent(event protocol.NewEvent, payload, context any) (protocol.NewEvent, error) {
	if event.Name == "" {
		return event, errors.New("an event has no name")
	}
	var err error
	if payload != nil {
		if event.Payload, err = jsontext.Encode(payload); err != nil {
			return event, fmt.Errorf("encode the payload of event %q as JSON: %w", event.Name, err)
		}
	}
	if context != nil {
		if event.Context, err = jsontext.Encode(context); err != nil {
			return event, fmt.Errorf("encode the context of event %q as JSON: %w", event.Name, err)
		}
	}
	return event, nil
}

// WholeSeconds rounds a time up to seconds.
func WholeSeconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
