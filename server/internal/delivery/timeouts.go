package delivery

import (
	"context"
	"fmt"
	"time"
)

// Timeouts bound an attempt. To connect has its own limit (package egress).
type Timeouts struct {
	// Headers is from the beginning to the answer's headers, Whole to its end.
	Headers, Whole time.Duration
}

// The usual time-outs of an attempt.
const (
	UsualHeaderTimeout = 10 * time.Second
	UsualTimeout       = 15 * time.Second
)

func (t *Timeouts) setDefaults() {
	if t.Headers == 0 {
		t.Headers = UsualHeaderTimeout
	}
	if t.Whole == 0 {
		t.Whole = UsualTimeout
	}
}

// bound limits an attempt. answered is to be called when the headers came, and
// cancel in the end.
func (t Timeouts) bound(ctx context.Context) (bounded context.Context, answered, cancel func()) {
	ctx, end := context.WithCancelCause(ctx)
	whole := time.AfterFunc(t.Whole, func() { end(fmt.Errorf("the receiver took longer than %v", t.Whole)) })
	headers := time.AfterFunc(t.Headers, func() { end(fmt.Errorf("the receiver did not begin to answer within %v", t.Headers)) })
	return ctx, func() { headers.Stop() }, func() {
		whole.Stop()
		headers.Stop()
		end(nil)
	}
}
