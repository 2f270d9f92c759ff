package health

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// mostPeers is how many failing peers are remembered at once.
const mostPeers = 10_000

// PeerFailure is how a peer fails, as the log says it.
type PeerFailure string

// The ways in which a peer fails.
const (
	// Unreachable is a peer that gives no answer.
	Unreachable PeerFailure = "cannot be reached"
	// Erring is one that answers, but only that something is wrong.
	Erring PeerFailure = "answers with errors"
)

// over is how the log says that a failure is over.
var over = map[PeerFailure]string{Unreachable: "can be reached again", Erring: "answers without errors again"}

// Peers keeps the log short while others, such as apps, fail: for each, and for each way
// to fail, the first failure is logged, then one line a minute with the number of
// failures, then once that it is over. It may be used concurrently.
type Peers struct {
	config Config
	name   string
	// failing counts those that fail: while it is 0, Works costs one atomic read.
	failing atomic.Int64

	mu   sync.Mutex
	away map[string]*absence
}

// absence is the time for which one fails.
type absence struct {
	since     time.Time
	failures  int
	last      PeerFailure
	err       error
	reminders map[PeerFailure]*Reminder
}

// Peers returns the peers of a kind, which are made when they are first asked for. The
// name is how the log calls one: "an app".
func (m *Monitor) Peers(name string) *Peers {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.peers[name]
	if !ok {
		p = &Peers{config: m.config, name: name, away: map[string]*absence{}}
		m.peers[name] = p
	}
	return p
}

// Failed reports that a call to a peer failed. The attributes name it in the log, as for
// slog.
func (p *Peers) Failed(id string, how PeerFailure, err error, attributes ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.config.Clock.Now()
	a, known := p.away[id]
	if !known {
		if len(p.away) >= mostPeers {
			return
		}
		a = &absence{since: now, reminders: map[PeerFailure]*Reminder{}}
		p.away[id] = a
		p.failing.Store(int64(len(p.away)))
	}
	if a.reminders[how] == nil {
		a.reminders[how] = &Reminder{}
	}
	a.failures++
	a.last, a.err = how, err
	a.reminders[how].Add()
	if a.reminders[how].Due(now) {
		p.config.Log.Warn(p.name+" "+string(how), slices.Concat(attributes, []any{"err", err, "failures", a.reminders[how].Logged(now), "since", a.since})...)
	}
}

// Works reports that a peer answered as it should.
func (p *Peers) Works(id string, attributes ...any) {
	if p.failing.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a, away := p.away[id]
	if !away {
		return
	}
	delete(p.away, id)
	p.failing.Store(int64(len(p.away)))
	p.config.Log.Info(p.name+" "+over[a.last],
		slices.Concat(attributes, []any{"failures", a.failures, "duration_ms", p.config.Clock.Now().Sub(a.since).Milliseconds()})...)
}

// Failing returns since when a peer fails, and how it failed last; the zero time for one
// that is not known to fail.
func (p *Peers) Failing(id string) (since time.Time, err error) {
	if p.failing.Load() == 0 {
		return since, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, away := p.away[id]; away {
		return a.since, a.err
	}
	return since, nil
}
