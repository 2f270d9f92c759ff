package listener

import (
	"context"
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
	if r.ProtoMajor == 1 {
		c.hasShown.Store(false)
	}
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
	var b *body
	if hasBody {
		b = newBody(w, r, c, g.rates)
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
	if b != nil {
		b.discard()
	}
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
