package crash

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// longestPause is the longest between two kills, longestDown the longest before
// what was killed is started again, and stopped how long a process is stopped: for
// longer than its leases hold.
const (
	longestPause = 2 * time.Second
	longestDown  = 500 * time.Millisecond
	stopped      = 7 * time.Second
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
	{"kill -9 of the app", 4, false, killApp},
	{"a server is stopped for longer than its leases hold", 1, false, stopServer},
	{"a crash of PostgreSQL", 3, true, killPostgres},
}

// torment lets faults happen, one after the other, and looks at the database in
// between. It returns how often each did.
func (w *world) torment(ctx context.Context, random *rand.Rand, times int) map[string]int {
	const examined = 5 // times that the database is looked at
	happened := map[string]int{}
	for i := range times {
		pause(ctx, time.Duration(random.Int64N(int64(longestPause))))
		f := w.choose(random)
		w.t.Logf("%d: %s", i+1, f.name)
		f.strike(ctx, w, random)
		happened[f.name]++
		if (i+1)%max(1, times/examined) == 0 {
			w.examine()
		}
	}
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
	w.servers[i].Kill()
	pause(ctx, time.Duration(random.Int64N(int64(longestDown))))
	w.startServer(i)
}

func killApp(ctx context.Context, w *world, random *rand.Rand) {
	w.app.Kill()
	pause(ctx, time.Duration(random.Int64N(int64(longestDown))))
	w.startApp()
}

func stopServer(ctx context.Context, w *world, random *rand.Rand) {
	s := w.servers[random.IntN(len(w.servers))]
	s.Suspend()
	pause(ctx, stopped)
	s.Resume()
}

func killPostgres(ctx context.Context, w *world, random *rand.Rand) {
	w.postgres.Kill(w.t)
	pause(ctx, time.Duration(random.Int64N(int64(longestDown))))
	w.postgres.Restart(w.t)
}
