package simulation

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
)

// The names of those who take part, as hosts of the network.
const (
	serverHost   = "runhook.test"
	appHost      = "app.test"
	receiverHost = "receiver.test"
)

const apiKey = "tr_dev_simulation"

// servers keeps one server on the database at a time: it starts the next when
// one was killed.
type servers struct {
	t       *testing.T
	faults  *faults
	network *network
	clock   *wallClock
	path    string
	done    chan struct{}
	quit    context.CancelFunc

	mu      sync.Mutex
	current *mortalDatabase
	deaths  int
}

func startServers(t *testing.T, f *faults, n *network, c *wallClock) *servers {
	ctx, cancel := context.WithCancel(context.Background())
	s := &servers{t: t, faults: f, network: n, clock: c, path: t.TempDir() + "/runhook.db", done: make(chan struct{}), quit: cancel}
	go func() {
		defer close(s.done)
		for ctx.Err() == nil {
			s.live(ctx)
			if ctx.Err() == nil {
				time.Sleep(time.Duration(s.faults.below(15_000)) * time.Millisecond)
			}
		}
	}()
	return s
}

// live runs one server until it is killed or ctx ends.
func (s *servers) live(ctx context.Context) {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	opened, err := server.Open(ctx, server.Config{
		Database: "sqlite:" + s.path, Listener: newListener(), Outgoing: s.network, PublicURL: "http://" + serverHost,
		APIKeys: map[protocol.EnvironmentType]string{protocol.Development: apiKey},
		Clock:   s.clock, Log: slog.New(slog.DiscardHandler), Grace: time.Second,
		WrapDatabase: func(db database.DB) database.DB {
			mortal := &mortalDatabase{DB: db, faults: s.faults, kill: kill, left: -1}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.current = mortal
			return mortal
		},
	})
	if err != nil {
		if ctx.Err() == nil {
			s.t.Errorf("start the server: %v", err)
		}
		return
	}
	cut := s.network.attach(serverHost, opened.Handler())
	stopped := context.AfterFunc(ctx, cut)
	if err := opened.Run(ctx); err != nil && s.mortal().alive() == nil {
		s.t.Errorf("run the server: %v", err)
	}
	stopped()
	cut()
	if err := opened.Close(); err != nil {
		s.t.Errorf("close the server: %v", err)
	}
}

func (s *servers) mortal() *mortalDatabase {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// doom has the server die at one of its next commits.
func (s *servers) doom(commits int) {
	d := s.mortal()
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left < 0 && !d.dead {
		d.left = commits
		s.mu.Lock()
		s.deaths++
		s.mu.Unlock()
	}
}

// spare takes back a doom that has not struck.
func (s *servers) spare() {
	if d := s.mortal(); d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.left = -1
	}
}

// stop stops the server as SIGTERM does.
func (s *servers) stop() {
	s.quit()
	<-s.done
}
