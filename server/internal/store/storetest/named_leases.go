package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/store"
)

var namedLeaseTests = []test{
	{"a named lease is one process's until it expires, and the owner may renew it", func(f *fixture) {
		take := func(owner string) bool {
			return write(f, func(tx *store.Tx) (bool, error) {
				mine, _, err := tx.TryAcquireLease("sweep", owner, time.Minute)
				return mine, err
			})
		}
		for _, step := range []struct {
			after time.Duration
			owner string
			want  bool
		}{
			{0, "first", true},
			{0, "second", false},
			{50 * time.Second, "first", true},
			{50 * time.Second, "second", false},
			{11 * time.Second, "second", true},
			{0, "first", false},
		} {
			f.clock.Advance(step.after)
			if got := take(step.owner); got != step.want {
				f.Errorf("after %v, %s gets it: %v", step.after, step.owner, got)
			}
		}
		shared := write(f, func(tx *store.Tx) (time.Time, error) { return tx.SharedNow() })
		equal(f, "the time by which leases expire", shared, f.clock.Now())
	}},
}
