package crash

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// longestPause is the longest between two kills, longestDown the longest before
// what was killed is started again, and nightmare how long a process is stopped: for
// longer than its leases hold.
const (
	longestPause = time.Second
	longestDown  = 300 * time.Millisecond
	nightmare    = 7 * time.Second
)

// fault is something that happens to a world.
type fault struct {
	name string
	// weight is how often it happens in comparison with the others.
	weight int
	// onlyPostgres is set if it needs a server of PostgreSQL.
	onlyPostgres bool
	strike       func(ctx context.Context, w *world, random *rand.Rand)
}

var faults = []fault{
	{"kill -9 of a server", 10, false, killServer},
	{"kill -9 of the Go app", 2, false, killApp(goApp)},
	{"kill -9 of the Node app", 2, false, killApp(nodeApp)},
	{"a server is stopped for longer than its leases hold", 1, false, stopServer},
	{"kill -9 of PostgreSQL", 3, true, killPostgres},
}

// torment lets faults happen, one after the other, and looks at the database in
// between. It returns how often each did.
func (w *world) torment(ctx context.Context, random *rand.Rand, times int) map[string]int {
	const examined = 5 // times that the database is looked at
	happened := map[string]int{}
	for i := range times {
		pause(ctx, time.Duration(random.Int64N(int64(longestPause))))
		if w.stopped != nil && time.Now().After(w.wakeAt) {
			w.awaitStopped()
		}
		f := w.choose(random)
		w.t.Logf("%d: %s", i+1, f.name)
		f.strike(ctx, w, random)
		happened[f.name]++
		if (i+1)%max(1, times/examined) == 0 {
			w.examine()
		}
	}
	w.awaitStopped()
	return happened
}

// choose returns the next fault that the world may suffer.
func (w *world) choose(random *rand.Rand) fault {
	var drawn []fault // each as often as it weighs
	for _, f := range faults {
		if !f.onlyPostgres || w.postgres != nil {
			drawn = append(drawn, slices.Repeat([]fault{f}, f.weight)...)
		}
	}
	return drawn[random.IntN(len(drawn))]
}

func killServer(ctx context.Context, w *world, random *rand.Rand) {
	i := random.IntN(len(w.servers))
	w.kill(i)
	pause(ctx, time.Duration(random.Int64N(int64(longestDown))))
	w.startServer(i)
}

func killApp(k kind) func(context.Context, *world, *rand.Rand) {
	return func(ctx context.Context, w *world, random *rand.Rand) {
		i := slices.IndexFunc(kinds, func(other kind) bool { return other.id == k.id })
		w.apps[i].Kill()
		pause(ctx, time.Duration(random.Int64N(int64(longestDown))))
		w.startApp(i)
	}
}

func stopServer(_ context.Context, w *world, random *rand.Rand) {
	w.stop(random.IntN(len(w.servers)), nightmare)
}

func killPostgres(ctx context.Context, w *world, random *rand.Rand) {
	w.postgres.Kill(w.t)
	pause(ctx, time.Duration(random.Int64N(int64(longestDown))))
	w.postgres.Restart(w.t)
}
