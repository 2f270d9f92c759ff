package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/store"
)

var turnTests = []test{
	{"a turn is one process's until it runs out, and its own to prolong", func(f *fixture) {
		take := func(owner string) bool {
			return write(f, func(tx *store.Tx) (bool, error) { return tx.TakeTurn("sweep", owner, tx.Now().Add(time.Minute)) })
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
	}},
}
