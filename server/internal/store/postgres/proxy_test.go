package postgres_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// proxy stands between a client and a server. It counts round trips and can cut
// the connections.
type proxy struct {
	url      string
	listener net.Listener
	network  string
	address  string

	trips atomic.Int64

	mutex       sync.Mutex
	connections []net.Conn
	group       sync.WaitGroup
}

// newProxy starts a proxy to the server of a database's URL.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	config, err := pgx.ParseConfig(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{network: "tcp", address: net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))}
	if filepath.IsAbs(config.Host) {
		p.network, p.address = "unix", filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	location := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password),
		Host: p.listener.Addr().String(), Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	p.url = location.String()
	p.group.Go(p.accept)
	t.Cleanup(func() {
		p.listener.Close()
		p.cut()
		p.group.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.address)
		if err != nil {
			client.Close()
			continue
		}
		p.mutex.Lock()
		p.connections = append(p.connections, client, server)
		p.mutex.Unlock()
		// A trip begins when the client speaks after the server has.
		var clientSpoke atomic.Bool
		p.group.Go(func() {
			p.copy(server, client, func() {
				if clientSpoke.CompareAndSwap(false, true) {
					p.trips.Add(1)
				}
			})
		})
		p.group.Go(func() { p.copy(client, server, func() { clientSpoke.Store(false) }) })
	}
}

func (p *proxy) copy(to, from net.Conn, spoke func()) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			spoke()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err == io.EOF || err != nil {
			return
		}
	}
}

// cut ends every connection.
func (p *proxy) cut() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, c := range p.connections {
		c.Close()
	}
	p.connections = nil
}
