package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// The names of those who take part, as hosts of the network.
const (
	serverHost   = "runhook.test"
	appHost      = "app.test"
	receiverHost = "receiver.test"
)

const apiKey = "tr_dev_simulation0123456789abcdefghij"

// servers keeps one server on a database that it has for itself, or several on one
// that they share: it starts the next when one was killed.
type servers struct {
	t       *testing.T
	faults  *faults
	network *network
	clock   *wallClock
	trace   *trace
	gate    *gate
	path    string
	// shared is the database of several servers; nil for one that opens its own.
	shared  *sqlite.DB
	signals *signals
	reasons *reasons
	// opening is held by the server that starts: PostgreSQL, too, lets one at a
	// time look after the tables.
	opening chan struct{}
	quit    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	current []*nodeDatabase
	deaths  int
}

func startServers(t *testing.T, count int, f *faults, n *network, c *wallClock, g *gate) *servers {
	ctx, cancel := context.WithCancel(context.Background())
	s := &servers{
		t: t, faults: f, network: n, clock: c, trace: g.trace, gate: g, path: t.TempDir() + "/runhook.db",
		opening: make(chan struct{}, 1), quit: cancel, current: make([]*nodeDatabase, count),
	}
	if count > 1 {
		var err error
		if s.shared, err = sqlite.Open(ctx, sqlite.Memory, sqlite.Options{}); err != nil {
			t.Fatal(err)
		}
		s.path, s.signals = s.shared.Path(), newSignals()
	}
	s.reasons = &reasons{t: t, clock: c, path: s.path}
	for i := range count {
		s.running.Go(func() {
			for ctx.Err() == nil {
				name := fmt.Sprint("server ", i, " starts")
				if s.gate.pass(ctx, name, time.Now().Add(s.faults.upTo(name, 15*time.Second))) == nil {
					s.live(ctx, i)
				}
			}
		})
	}
	return s
}

// live runs one server until it is killed or ctx ends.
func (s *servers) live(ctx context.Context, i int) {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	node := &nodeDatabase{name: fmt.Sprint("server ", i), faults: s.faults, trace: s.trace, gate: s.gate, signals: s.signals, leases: &leases{s.t, s.clock}, reasons: s.reasons, kill: kill, left: -1}
	opened, err := s.open(ctx, i, node)
	if err != nil {
		// One that cannot reach the database ends, and is started again.
		if ctx.Err() == nil && !errors.Is(err, database.ErrUnavailable) {
			s.t.Errorf("start %s: %v", node.name, err)
		}
		return
	}
	cut := s.network.attach(serverHost, i, node, opened.Handler())
	stopped := context.AfterFunc(ctx, cut)
	if err := opened.Run(ctx); err != nil && node.alive() {
		s.t.Errorf("run %s: %v", node.name, err)
	}
	stopped()
	cut()
	if err := opened.Close(); err != nil {
		s.t.Errorf("close %s: %v", node.name, err)
	}
}

func (s *servers) open(ctx context.Context, i int, node *nodeDatabase) (*server.Server, error) {
	s.opening <- struct{}{}
	defer func() { <-s.opening }()
	config := server.Config{
		Database: "sqlite:" + s.path, Listener: newListener(), Outgoing: s.network.from(node), PublicURL: "http://" + serverHost,
		APIKeys: map[protocol.EnvironmentType]string{protocol.Development: apiKey}, EncryptionKey: strings.Repeat("5e", 32),
		Clock: s.clock, Log: slog.New(slog.DiscardHandler), Grace: time.Second,
		Random: func() float64 { return 0.5 },
		WrapDatabase: func(db database.DB) database.DB {
			node.DB = db
			s.mu.Lock()
			defer s.mu.Unlock()
			s.current[i] = node
			return node
		},
	}
	if s.shared != nil {
		config.OpenedDatabase = sharedDatabase{s.shared}
	}
	return server.Open(ctx, config)
}

// node returns one of the servers; nil for one that has not started yet.
func (s *servers) node(i int) *nodeDatabase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current[i]
}

// doom has a server die at one of its next commits.
func (s *servers) doom(i, commits int) {
	if d := s.node(i); d != nil && d.doom(commits) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deaths++
	}
}

// spare takes back whatever has not struck.
func (s *servers) spare() {
	for i := range s.current {
		if d := s.node(i); d != nil {
			d.spare()
		}
	}
}

// stop stops the servers as SIGTERM does.
func (s *servers) stop() {
	s.quit()
	s.running.Wait()
	if s.shared != nil {
		if err := s.shared.Close(); err != nil {
			s.t.Errorf("close the database: %v", err)
		}
	}
}
