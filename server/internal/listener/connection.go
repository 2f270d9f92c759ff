package listener

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// connection is one that was accepted. What is written to it must be taken at a
// minimum rate, or it fails.
type connection struct {
	net.Conn
	caps  *caps
	rates Rates
	// address is the group that it counts for; invalid for none.
	address netip.Addr
	closing sync.Once
	// atHandler is true from the moment a handler has a request until its answer is
	// written: then nothing that is written is a refusal by net/http.
	atHandler atomic.Bool
	// known is true once a request had a valid key, and hasShown while one of HTTP/1 that
	// had one is answered.
	known, hasShown atomic.Bool

	// What follows is caps' own.
	links          [2]link
	counted, spare bool
	phase          phase
	// requests is how many are in progress, and arriving of how many of them the
	// body is on its way; asked is true from the first on.
	requests, arriving int
	asked, hasKey      bool
}

// to has the connection do something, and finds its phase anew.
func (c *connection) to(do func(*connection)) {
	do(c)
	switch {
	case c.requests > c.arriving:
		c.phase = answering
	case c.requests > 0 && c.hasKey:
		c.phase = sendingWithKey
	case c.requests > 0:
		c.phase = sending
	case !c.asked:
		c.phase = beginning
	case c.hasKey:
		c.phase = idleWithKey
	default:
		c.phase = idle
	}
}

// Close implements [net.Conn].
func (c *connection) Close() error {
	c.closing.Do(func() { c.caps.gone(c) })
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer before it closes the connection, so that
// the caller can read it.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Write implements [net.Conn].
func (c *connection) Write(data []byte) (written int, err error) {
	if !c.atHandler.Load() {
		if refusal, ok := refusalInJSON(data); ok {
			if _, err := c.writeAtRate(refusal); err != nil {
				return 0, err
			}
			return len(data), nil
		}
	}
	return c.writeAtRate(data)
}

func (c *connection) writeAtRate(data []byte) (written int, err error) {
	for {
		piece := data[:min(len(data), c.rates.AnswerPiece)]
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.rates.AnswerTime)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		written += n
		if data = data[n:]; err != nil || len(data) == 0 {
			return written, err
		}
	}
}

type connectionKey struct{}

// withConnection is for http.Server.ConnContext.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, c)
}

// connectionOf returns the connection of a request; nil for one that did not come
// through a listener of this package.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// changed is for http.Server.ConnState.
func changed(conn net.Conn, state http.ConnState) {
	if c, ok := conn.(*connection); ok && state == http.StateIdle {
		c.atHandler.Store(false)
	}
}

// HasKey notes that a request had a valid key: its connection is then among the
// last to be closed when there are too many, and what is not read of its body is
// received before it is answered.
func HasKey(r *http.Request) {
	c := connectionOf(r)
	if c == nil {
		return
	}
	c.hasShown.Store(true)
	if c.known.Swap(true) {
		return
	}
	c.caps.change(c, func(c *connection) { c.hasKey = true })
}
