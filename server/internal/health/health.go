// Package health knows which components of a server work and which fail.
//
// A component is whatever depends on something that may be away: a loop that claims
// rows, the renewal of leases, the reads and the writes of the database. It reports
// each failure and each success to its [Component]. In return it learns how long to
// wait before it tries again (exponential backoff with jitter), and the log stays
// short: the first failure is logged, then one line a minute with the number of
// failures, then the recovery once. /readyz asks the [Monitor] what fails.
package health

import (
	"cmp"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/panics"
)

const (
	// shortestPause is the pause after the first failure, longestPause the longest,
	// both before jitter of half of it either way.
	shortestPause, longestPause = 100 * time.Millisecond, 5 * time.Second
)

// Config is what a monitor works with. Every field has a default.
type Config struct {
	// Clock is the system's by default.
	Clock clock.Clock
	// Log is none by default.
	Log *slog.Logger
	// Random returns numbers uniform in [0, 1), for jitter; nil means the system's.
	Random func() float64
}

// Monitor keeps the components of one server. It may be used concurrently.
type Monitor struct {
	config Config

	mu         sync.Mutex
	components map[string]*Component
	peers      map[string]*Peers
}

// New returns a monitor without components.
func New(config Config) *Monitor {
	if config.Clock == nil {
		config.Clock = clock.System{}
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Random == nil {
		config.Random = rand.Float64
	}
	return &Monitor{config: config, components: map[string]*Component{}, peers: map[string]*Peers{}}
}

// Component returns the component of a name, which is made when it is first asked
// for. The name is what the log and /readyz call it.
func (m *Monitor) Component(name string) *Component {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.components[name]
	if !ok {
		c = &Component{monitor: m, name: name}
		m.components[name] = c
	}
	return c
}

// Failure is a component that fails.
type Failure struct {
	Component string
	// Since is when it failed first without a success after it, LastAt when last.
	Since, LastAt time.Time
	// Count is how often it failed since then.
	Count int
	// Err is why it failed last.
	Err error
}

// Failures returns the components that fail now, in the order of their names.
func (m *Monitor) Failures() []Failure {
	m.mu.Lock()
	defer m.mu.Unlock()
	var failures []Failure
	for _, c := range m.components {
		if f, failing := c.Failure(); failing {
			failures = append(failures, f)
		}
	}
	slices.SortFunc(failures, func(a, b Failure) int { return cmp.Compare(a.Component, b.Component) })
	return failures
}

// Component is one part that works or fails. It may be used concurrently.
type Component struct {
	monitor *Monitor
	name    string
	// failing is set while failure is of now.
	failing atomic.Bool

	mu      sync.Mutex
	failure Failure
	// logged is set once a line of this failure was logged; reminder is of the lines
	// about any.
	logged   bool
	reminder Reminder
}

// Failed reports a failure. It returns how long to wait before the next try, which
// is longer after each failure in a row.
func (c *Component) Failed(err error) (pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.monitor.config.Clock.Now()
	if !c.failing.Swap(true) {
		c.failure, c.logged = Failure{Component: c.name, Since: now}, false
	}
	c.failure.LastAt, c.failure.Err = now, err
	c.failure.Count++
	// Also what fails and recovers in turn is logged once a minute.
	if c.reminder.Due(now) {
		c.logged = true
		c.reminder.Logged(now)
		attributes := []any{"component", c.name, "err", err, "failures", c.failure.Count, "since", c.failure.Since}
		if panicked, ok := errors.AsType[*panics.Error](err); ok {
			attributes = append(attributes, "stack", string(panicked.Stack))
		}
		c.monitor.config.Log.Error("a component fails; it is tried again", attributes...)
	}
	return c.pauseAfter(c.failure.Count)
}

// pauseAfter returns how long to wait after a number of failures in a row.
func (c *Component) pauseAfter(failures int) time.Duration {
	pause := longestPause
	if doublings := failures - 1; doublings < 10 {
		pause = min(longestPause, shortestPause<<doublings)
	}
	return pause/2 + time.Duration(c.monitor.config.Random()*float64(pause))
}

// Succeeded reports a success. It costs nothing while the component works.
func (c *Component) Succeeded() {
	if !c.failing.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.failing.Swap(false) || !c.logged {
		return
	}
	now := c.monitor.config.Clock.Now()
	c.monitor.config.Log.Info("a component works again", "component", c.name,
		"failures", c.failure.Count, "duration_ms", now.Sub(c.failure.Since).Milliseconds())
}

// Failure returns how the component fails; failing is false when it works.
func (c *Component) Failure() (f Failure, failing bool) {
	if !c.failing.Load() {
		return f, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure, c.failing.Load()
}
