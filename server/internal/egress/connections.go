package egress

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// dial connects once there may be another connection. Idle ones make room for it.
func (g *Guard) dial(ctx context.Context, dialer *net.Dialer, network, address string) (net.Conn, error) {
	if err := g.awaitRoom(ctx); err != nil {
		return nil, fmt.Errorf("wait to connect to %s, as there are as many connections as there may be: %w", address, err)
	}
	dialed, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		g.open.Release(struct{}{}, 1)
		return nil, err
	}
	return &counted{Conn: dialed, closed: sync.OnceFunc(func() { g.open.Release(struct{}{}, 1) })}, nil
}

// awaitRoom waits until there may be another connection.
func (g *Guard) awaitRoom(ctx context.Context) error {
	// Connections that have just become idle are closed this often.
	const again = 100 * time.Millisecond
	for g.open.TryAcquire(struct{}{}, 1) != nil {
		g.Close()
		waiting, stop := context.WithTimeout(ctx, again)
		err := g.open.Acquire(waiting, struct{}{}, 1)
		stop()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	closed func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
