package simulation

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
	ids "github.com/runhook/runhook/server/internal/model"
)

var (
	seedFlag   = flag.Uint64("simulation.seed", 0, "replay this seed; 0 for new ones")
	forFlag    = flag.Duration("simulation.for", 40*time.Second, "how long to try new seeds")
	replayFlag = flag.Int("simulation.replays", 1, "how often to replay -simulation.seed, which must be the same each time")
	stepFlag   = flag.Int("simulation.steps", 60, "steps of a simulation")
)

// always are the seeds that every run tries before new ones. One that has failed
// joins them.
var always = []uint64{1, 2, 4}

func TestNothingIsLostWhateverGoesWrong(t *testing.T) {
	if *seedFlag != 0 {
		replay(t, *seedFlag, *replayFlag)
		return
	}
	for _, seed := range always {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { simulate(t, seed, newTrace()) })
	}
	for deadline := time.Now().Add(*forFlag); time.Now().Before(deadline) && !t.Failed(); {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { simulate(t, seed, newTrace()) })
	}
}

// TestAReplayIsTheSameFromFirstToLast is of seeds with two servers, three and one.
func TestAReplayIsTheSameFromFirstToLast(t *testing.T) {
	for _, seed := range always {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { replay(t, seed, 2) })
	}
}

// replay runs the simulation of a seed several times, which must be the same.
func replay(t *testing.T, seed uint64, times int) {
	var first *trace
	for n := range times {
		happened := newTrace()
		t.Run(fmt.Sprint("time ", n+1), func(t *testing.T) { simulate(t, seed, happened) })
		if n == 0 {
			first = happened
			continue
		}
		first.compare(t, happened)
	}
}

// simulate runs the simulation of a seed, and notes what happens.
func simulate(t *testing.T, seed uint64, happened *trace) {
	t.Helper()
	// The gate has one thing happen at a time. What follows from it may be several
	// goroutines', whose order is not to matter; and if it does, it had better be
	// the same each time.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	// Deferred, as a test that fails in a bubble ends there.
	defer func() {
		if t.Failed() {
			t.Logf("replay with -simulation.seed=%d -simulation.steps=%d", seed, *stepFlag)
		}
	}()
	cryptotest.SetGlobalRandom(t, seed)
	ids.CountIDsFrom(0)
	synctest.Test(t, func(t *testing.T) { newWorld(t, seed, happened).run() })
}

// world is all that takes part in a simulation.
type world struct {
	t       *testing.T
	faults  *faults
	clock   *wallClock
	trace   *trace
	gate    *gate
	network *network
	model   *model
	app     *app
	servers *servers
	clients sync.WaitGroup
	// orders and cancels count what clients have asked for.
	orders, cancels int
}

func newWorld(t *testing.T, seed uint64, happened *trace) *world {
	happened.begin()
	w := &world{t: t, faults: newFaults(seed), clock: &wallClock{}, model: newModel(t), trace: happened}
	w.gate = openGate(w.faults, w.trace)
	w.network = newNetwork(w.faults, w.gate)
	w.app = newApp(w.model, w.faults, w.network, w.clock)
	w.network.attach(appHost, 0, nil, w.app)
	hooks, err := w.model.receive(w.faults, w.gate, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	w.network.attach(receiverHost, 0, nil, hooks)
	w.servers = startServers(t, 1+w.faults.below("servers", mostServers), w.faults, w.network, w.clock, w.gate)
	return w
}

// mostServers is how many share a database at the most.
const mostServers = 3

func (w *world) run() {
	began := time.Now()
	w.until("the app to be registered", 10*time.Minute, func() bool {
		return w.app.sdk.Register(context.Background(), "http://"+appHost+"/api/trigger") == nil
	})
	for range *stepFlag {
		w.step()
		w.model.check()
		w.examine()
	}
	w.clients.Wait()
	w.faults.cease()
	w.servers.spare()
	w.until("every run to be reported", 12*time.Hour, func() bool { return len(w.model.pending()) == 0 })
	w.until("the listeners of all events", 12*time.Hour, w.listenersDone)
	w.model.check()
	w.model.finish(context.Background(), w.status)
	w.settled()
	w.app.answers.Wait()
	w.trace.end() // what is canceled all at once has no order
	w.servers.stop()
	w.network.calls.Wait()
	w.gate.close()
	w.t.Logf("%d servers, %d orders became %d runs; %d kills, %d requests, %v of virtual time", len(w.servers.current), w.orders,
		len(w.model.runs), w.servers.deaths, w.network.requests.Load(), time.Since(began).Round(time.Second))
}

// choose returns a number from 0 to n-1 that the next step is chosen by.
func (w *world) choose(n int) int { return w.faults.below("step", n) }

// step does one thing, and lets some time go by.
func (w *world) step() {
	switch w.choose(14) {
	case 0:
		w.servers.doom(w.choose(len(w.servers.current)), 1+w.choose(30))
	case 1:
		w.clock.step(time.Duration(w.choose(60)-30) * time.Second)
	case 2:
		w.cancelOne()
	case 3:
		w.gate.sleep("long pause", w.faults.upTo("pause", 2*time.Minute))
	case 4:
		w.hinderServer()
	case 5, 6:
		w.placeOne()
	default:
		w.invokeOne()
	}
	w.gate.sleep("step", w.faults.upTo("pause", 1500*time.Millisecond))
}

// hinderServer has a server stand still, often for longer than its leases hold, or
// not reach the database if that is another's.
func (w *world) hinderServer() {
	d := w.servers.node(w.choose(len(w.servers.current)))
	until := time.Now().Add(w.faults.upTo("hindered", 12*time.Second))
	switch {
	case d == nil:
	case d.signals != nil && w.choose(3) == 0:
		d.cutOff(until)
	default:
		d.freeze(until)
	}
}

// invokeOne has a client place an order, again and again until it is accepted,
// and sometimes once more.
func (w *world) invokeOne() {
	w.orders++
	o := order{Number: w.orders, Steps: 1 + w.choose(4), Seconds: 1 + w.choose(90)}
	name := jobNames[w.choose(len(jobNames))]
	again := w.choose(4) == 0
	w.clients.Go(func() {
		for {
			run, err := w.app.jobs[name].Invoke(context.Background(), o,
				runhook.IdempotencyKey(fmt.Sprint("order-", o.Number)), runhook.CallbackURL("http://"+receiverHost+"/"))
			if err != nil {
				w.gate.sleep(fmt.Sprint("invoke ", o.Number, " again"), time.Second)
				continue
			}
			w.model.accepted(run.ID, name, o)
			if !again {
				if name == jobWaiter {
					w.pay(run.ID, o)
				}
				return
			}
			again = false
		}
	})
}

func (w *world) cancelOne() {
	id := w.model.anyRun(w.choose)
	if id == "" {
		return
	}
	w.model.cancels(id)
	w.cancels++
	ctx := named(context.Background(), fmt.Sprint("cancel ", w.cancels))
	w.clients.Go(func() { _ = w.app.client.CancelRun(ctx, id) })
}

func (w *world) status(ctx context.Context, id string) (protocol.RunStatus, error) {
	run, err := w.app.client.GetRun(ctx, id)
	if err != nil {
		return "", err
	}
	return run.Status, nil
}

// until waits for something that must happen by itself.
func (w *world) until(what string, limit time.Duration, done func() bool) {
	deadline := time.Now().Add(limit)
	for !done() {
		if time.Now().After(deadline) {
			w.t.Errorf("after %v still waiting for %s; not reported: %q", limit, what, w.model.pending())
			w.servers.stop()
			w.gate.close()
			w.t.FailNow()
		}
		w.gate.sleep("wait for "+what, 5*time.Second)
	}
}
