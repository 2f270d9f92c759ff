package runhook

import (
	"time"

	"github.com/runhook/runhook/protocol"
)

// StartAt is the earliest time that the invoked run is executed: until then it is QUEUED.
// A time that is past is at once. A [TimeToLive] begins then.
type StartAt time.Time

func (s StartAt) applyToInvoke(o *invokeOptions) { o.options.StartAt = protocol.AtOrNil(time.Time(s)) }

// StartAfter is [StartAt] from when the server gets the invocation.
type StartAfter time.Duration

func (s StartAfter) applyToInvoke(o *invokeOptions) {
	o.options.StartAfterInSeconds = time.Duration(s).Seconds()
}
