package listener

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// body is a request's body, which must arrive at the least rate.
type body struct {
	io.ReadCloser
	c       *connection
	control *http.ResponseController
	rates   Rates
	// length is what the request says of it, -1 for nothing.
	length, received int64
	// patience is how long the server waits for more, at the most rates.BodyTime.
	patience time.Duration
	// latest is when nothing more is waited for; zero for no such time.
	latest time.Time
	// ended is true once nothing more is waited for, and failed once it could not be read.
	ended, failed bool
	// unasked is true while the caller waits to be asked for it by 100-continue.
	unasked bool
	// drained is set when net/http reads what a handler leaves, so that the connection
	// can be used again.
	drained bool
}

func newBody(w http.ResponseWriter, r *http.Request, c *connection, rates Rates) *body {
	return &body{
		ReadCloser: r.Body, c: c, control: http.NewResponseController(w), rates: rates, patience: rates.BodyTime,
		length: r.ContentLength, drained: r.ProtoMajor == 1, unasked: strings.EqualFold(r.Header.Get("Expect"), "100-continue"),
	}
}

// Read implements [io.Reader]. The error is os.ErrDeadlineExceeded when the body
// comes too slowly.
func (b *body) Read(into []byte) (int, error) {
	if b.ended {
		return b.ReadCloser.Read(into)
	}
	b.unasked = false
	began := time.Now()
	deadline := began.Add(b.patience)
	if !b.latest.IsZero() && b.latest.Before(deadline) {
		deadline = b.latest
	}
	if err := b.control.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(into)
	b.received += int64(n)
	gained := time.Duration(float64(n) / float64(b.rates.BodyRate) * float64(time.Second))
	b.patience = max(0, min(b.rates.BodyTime, b.patience-time.Since(began)+gained))
	if errors.Is(err, io.EOF) || err == nil && b.received == b.length {
		b.end()
		// Or the connection would seem to be lost while the request is worked on. This
		// fails only on a connection that has failed.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	b.failed = b.failed || err != nil && !b.ended
	return n, err
}

func (b *body) end() {
	b.ended = true
	b.c.caps.change(b.c, func(c *connection) { c.arriving-- })
}

// drainTime is how long net/http waits for a body that its handler has not read,
// before it answers and closes the connection.
const drainTime = time.Second

// bound bounds how long net/http waits for what it reads of the body by itself.
func (b *body) bound() {
	if b.drained {
		_ = b.control.SetReadDeadline(time.Now().Add(min(b.patience, drainTime)))
	}
}

const (
	// discardBytes and discardTime bound what is received of a body that its handler,
	// which knows the caller by a key, has not read.
	discardBytes = 64 << 20
	discardTime  = 30 * time.Second
	// answerTime is how long the answer waits for that.
	answerTime = 5 * time.Second
)

// discard receives what the handler has not read of the body of a caller with a key.
// net/http does that for 256 KiB and then closes the connection, which resets it while
// more arrives; most clients then report the reset, and not the answer. The answer goes
// last, as some proxies take no more of a body once they have it; but who is slow is
// answered on the way.
func (b *body) discard() {
	if b.ended || b.failed || b.unasked || !b.drained || !b.c.hasShown.Load() {
		return
	}
	began := time.Now()
	received, err := b.receive(discardBytes, began.Add(answerTime))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return // it is at its end, or net/http closes the connection
	}
	// Or net/http would receive more by itself before it sends the answer.
	if b.control.EnableFullDuplex() == nil && b.control.Flush() == nil {
		_, _ = b.receive(discardBytes-received, began.Add(discardTime)) // as it can
	}
	if !b.ended {
		panic(http.ErrAbortHandler) // net/http would take what is left for the next request
	}
}

// receive reads and discards until a time, and returns how many bytes it were.
func (b *body) receive(most int64, latest time.Time) (int64, error) {
	b.latest = latest
	return io.CopyN(io.Discard, b, most)
}

// leave sees to a body that its handler has not read to the end.
func (b *body) leave() {
	if !b.ended {
		b.end()
		b.bound()
	}
}
