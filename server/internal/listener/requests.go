package listener

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/runhook/runhook/server/internal/budget"
)

const (
	// maximumHeader bounds a request's line and headers, in bytes, and maximumLines
	// their number.
	maximumHeader = 64 << 10
	maximumLines  = 100
	// admissionTime is how long a request waits, while its address has as many in
	// progress as it may, before it is refused.
	admissionTime = 3 * time.Second
)

// guard stands between net/http and the server's handler: it holds requests to the
// limits and rates of this package.
type guard struct {
	next    http.Handler
	caps    *caps
	rates   Rates
	proxies Proxies
	// inProgress counts the requests of each client address.
	inProgress *budget.Budget[netip.Addr]
	// probe reports whether a request is one that must get through.
	probe func(*http.Request) bool
}

// ServeHTTP implements [http.Handler].
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := connectionOf(r)
	if c == nil {
		g.serve(w, r)
		return
	}
	c.atHandler.Store(true)
	hasBody := r.Body != nil && r.Body != http.NoBody
	g.caps.change(c, func(c *connection) {
		c.requests++
		c.asked = true
		if hasBody {
			c.arriving++
		}
	})
	if r.ProtoMajor > 1 {
		w = &paced{ResponseWriter: w, control: http.NewResponseController(w), rates: g.rates}
	}
	if hasBody {
		b := &body{ReadCloser: r.Body, c: c, control: http.NewResponseController(w), rates: g.rates, patience: g.rates.BodyTime, length: r.ContentLength, drained: r.ProtoMajor == 1}
		b.bound()
		// net/http's own request keeps its body: by its type it knows what to do with
		// what a handler leaves, and whether 100-continue was asked for.
		asked := *r
		asked.Body = b
		r = &asked
		defer b.leave()
	}
	defer g.caps.change(c, func(c *connection) { c.requests-- })
	if c.spare && !g.probe(r) {
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusServiceUnavailable, "The server has as many connections as it can take; try again")
		return
	}
	g.admit(w, r)
}

// admit has a request wait until its address may have another in progress.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) {
	client := Group(g.proxies.ClientAddress(r))
	if client.IsValid() && !g.probe(r) {
		if g.inProgress.TryAcquire(client, 1) != nil {
			waiting, stop := context.WithTimeout(r.Context(), admissionTime)
			err := g.inProgress.Acquire(waiting, client, 1)
			stop()
			if err != nil {
				refuse(w, http.StatusServiceUnavailable, "The server has as many requests of this address in progress as it can take; try again")
				return
			}
		}
		defer g.inProgress.Release(client, 1)
	}
	g.serve(w, r)
}

func (g *guard) serve(w http.ResponseWriter, r *http.Request) {
	if tooMuchHeader(r) {
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, headerLimits)
		return
	}
	received(g.next, w, r)
}

// tooMuchHeader reports whether a request's line and headers are beyond the limits.
func tooMuchHeader(r *http.Request) bool {
	const separators = len(": \r\n")
	lines, size := 1, len(r.Method)+len(r.RequestURI)+len(r.Proto)+len(r.Host)
	for name, values := range r.Header {
		lines += len(values)
		for _, value := range values {
			size += len(name) + len(value) + separators
		}
	}
	return lines > maximumLines || size > maximumHeader
}

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
	// ended is true once nothing more is waited for.
	ended bool
	// drained is set when net/http reads what a handler leaves, so that the connection
	// can be used again.
	drained bool
}

// Read implements [io.Reader]. The error is os.ErrDeadlineExceeded when the body
// comes too slowly.
func (b *body) Read(into []byte) (int, error) {
	if b.ended {
		return b.ReadCloser.Read(into)
	}
	began := time.Now()
	if err := b.control.SetReadDeadline(began.Add(b.patience)); err != nil {
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

// leave sees to a body that its handler has not read to the end.
func (b *body) leave() {
	if !b.ended {
		b.end()
		b.bound()
	}
}

// paced is the answer to a request over HTTP/2, where a slow reader stops his
// stream and not the connection.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
	rates   Rates
}

// Unwrap is for [http.ResponseController].
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Write implements [io.Writer].
func (p *paced) Write(data []byte) (written int, err error) {
	for {
		piece := data[:min(len(data), p.rates.AnswerPiece)]
		if err := p.control.SetWriteDeadline(time.Now().Add(p.rates.AnswerTime)); err != nil {
			return written, err
		}
		n, err := p.ResponseWriter.Write(piece)
		written += n
		if data = data[n:]; err != nil || len(data) == 0 {
			return written, err
		}
	}
}

// FlushError is for [http.ResponseController].
func (p *paced) FlushError() error {
	if err := p.control.SetWriteDeadline(time.Now().Add(p.rates.AnswerTime)); err != nil {
		return err
	}
	return p.control.Flush()
}
