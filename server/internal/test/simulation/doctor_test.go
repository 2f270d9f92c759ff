package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/doctor"
	"github.com/runhook/runhook/server/internal/store"
)

// breaches returns the rows of the database that are not as they must be.
func (w *world) breaches() (found []store.Breach) {
	options := store.Options{URL: "sqlite:" + w.servers.path, Clock: clock.System{}}
	err := store.Inspect(context.Background(), options, func(tx *store.Tx) (err error) {
		found, err = doctor.Examine(tx)
		return err
	})
	if err != nil {
		w.t.Errorf("examine the database: %v", err)
	}
	return found
}

func (w *world) report(when string, found []store.Breach) {
	for _, b := range found {
		w.t.Errorf("%s, %s of %s %s", when, b.ID, b.Invariant.Table, b.Invariant.Broken)
	}
}

// examine fails the test for what is wrong with the database and does not pass by
// itself.
func (w *world) examine() {
	w.servers.reasons.ask()
	w.report("after a step", slices.DeleteFunc(w.breaches(), func(b store.Breach) bool { return b.Invariant.Passes }))
}

// settled fails the test for anything that is still wrong when all has come to rest.
func (w *world) settled() {
	w.gate.sleep("settled", 30*time.Second)
	w.report("in the end", w.breaches())
}
