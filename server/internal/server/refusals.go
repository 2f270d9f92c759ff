package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// refusals makes the refusals that net/http writes by itself, before a request
// reaches a handler, errors in JSON like all others: those of malformed paths and
// headers, of headers that are too long, and of versions and transfer encodings
// that it does not know. net/http has no hook for them.
type refusals struct{ net.Listener }

// Accept implements [net.Listener].
func (l refusals) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &plainConnection{Conn: accepted}, nil
}

// plainConnection is a connection without TLS.
type plainConnection struct {
	net.Conn
	// answering is true from the moment a handler has a request until its answer is
	// written: then nothing that is written is a refusal by net/http.
	answering atomic.Bool
}

type connectionKey struct{}

// withConnection is for http.Server.ConnContext.
func withConnection(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connection)
}

// changed is for http.Server.ConnState.
func (c *plainConnection) changed(state http.ConnState) {
	if state == http.StateIdle {
		c.answering.Store(false)
	}
}

// Write implements [net.Conn].
func (c *plainConnection) Write(data []byte) (int, error) {
	if c.answering.Load() {
		return c.Conn.Write(data)
	}
	refusal, ok := refusalInJSON(data)
	if !ok {
		return c.Conn.Write(data)
	}
	if _, err := c.Conn.Write(refusal); err != nil {
		return 0, err
	}
	return len(data), nil
}

// CloseWrite lets net/http end an answer before it closes the connection, so that
// the caller can read it.
func (c *plainConnection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// refusalInJSON returns a refusal by net/http, which it writes in one piece, with a
// body in JSON. It returns false for anything else.
func refusalInJSON(written []byte) ([]byte, bool) {
	const headers = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	head, _, found := bytes.Cut(written, []byte(headers))
	status, isHTTP := strings.CutPrefix(string(head), "HTTP/1.1 ")
	if !found || !isHTTP {
		return nil, false
	}
	status, reason, _ := strings.Cut(status, ": ")
	message := explainRefusal(status, reason)
	body, err := json.Marshal(map[string]string{"error": message, "message": message})
	if err != nil { // text always encodes
		return nil, false
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(body), body), true
}

func explainRefusal(status, reason string) string {
	code, name, _ := strings.Cut(status, " ")
	switch {
	case reason != "":
		return name + ": " + reason
	case code == "400":
		return name + ": the request line or a header is malformed; in a path, write % as %25 and a blank as %20"
	case code == "431":
		return fmt.Sprintf("%s: they may have %d bytes in all", name, maximumHeader)
	case code == "501":
		return name + ": the only transfer encoding is chunked"
	}
	return name
}
