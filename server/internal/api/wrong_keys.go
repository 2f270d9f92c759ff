package api

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/model"
)

// What an address may try, and how often it is logged. A client that was given the
// wrong key asks a few times; an attacker that guesses asks for ever.
const (
	wrongKeysAtOnce     = 100
	wrongKeysEvery      = time.Second
	wrongKeysLinesEvery = 3 * time.Second
	wrongKeysLines      = 20
	wrongKeysAddresses  = 10_000
)

// wrongKeys limits how often one address may send a key that the server does not
// know, and logs that it does. Only keys that were found wrong count, so a valid key
// is never refused because of others at its address. It may be used concurrently.
type wrongKeys struct {
	clock clock.Clock
	log   *slog.Logger

	mu      sync.Mutex
	callers map[netip.Addr]*wrongCaller
	// lines bounds the log where many addresses guess.
	lines *rate.Limiter
}

type wrongCaller struct {
	limiter  *rate.Limiter
	reminder health.Reminder
}

func newWrongKeys(clock clock.Clock, log *slog.Logger) *wrongKeys {
	return &wrongKeys{clock: clock, log: log, lines: rate.NewLimiter(rate.Every(wrongKeysLinesEvery), wrongKeysLines)}
}

// refuse counts a wrong key and returns what to answer: err, or when to try again.
func (w *wrongKeys) refuse(address netip.Addr, err error) error {
	address = listener.Group(address)
	now := w.clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	caller := w.caller(address)
	caller.reminder.Add()
	if caller.reminder.Due(now) && w.lines.AllowN(now, 1) {
		w.log.Warn("requests came with a wrong API key", "address", address, "count", caller.reminder.Logged(now))
	}
	if caller.limiter.AllowN(now, 1) {
		return err
	}
	return model.BusyUntil(now.Add(wrongKeysEvery), "Too many requests with a wrong API key came from this address; a right one is not limited")
}

func (w *wrongKeys) caller(address netip.Addr) *wrongCaller {
	if caller := w.callers[address]; caller != nil {
		return caller
	}
	if w.callers == nil || len(w.callers) >= wrongKeysAddresses {
		w.callers = make(map[netip.Addr]*wrongCaller)
	}
	caller := &wrongCaller{limiter: rate.NewLimiter(rate.Every(wrongKeysEvery), wrongKeysAtOnce)}
	w.callers[address] = caller
	return caller
}
