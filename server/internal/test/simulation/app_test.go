package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
)

// order is what every job is invoked with.
type order struct {
	// Number is the order's, which is never given twice.
	Number int `json:"number"`
	// Steps is how many tasks there are, or failures, or branches.
	Steps int `json:"steps"`
	// Seconds is how long the job sleeps.
	Seconds int `json:"seconds"`
}

// app is the program whose jobs the server runs, written as its users write them.
type app struct {
	model   *model
	faults  *faults
	network *network
	sdk     *runhook.App
	client  *client.Client
	// answers are those that someone is about to give to jobs.
	answers sync.WaitGroup
	jobs    map[string]*runhook.Job[order, int]
}

// The jobs, each of which stands for a way to wait, or to fail.
const (
	jobPlain    = "plain"
	jobSleeper  = "sleeper"
	jobFlaky    = "flaky"
	jobFailing  = "failing"
	jobParallel = "parallel"
	jobParent   = "parent"
)

var jobNames = []string{jobPlain, jobSleeper, jobFlaky, jobFailing, jobParallel, jobParent, jobWaiter, jobAsker}

// childNumber is added to an order's number for the order that its run places.
const childNumber = 1_000_000

func newApp(m *model, f *faults, n *network, c *wallClock) *app {
	a := &app{model: m, faults: f, network: n, jobs: map[string]*runhook.Job[order, int]{}}
	a.sdk = runhook.New(runhook.Config{
		ID: "app", APIKey: apiKey, APIURL: "http://" + serverHost, HTTPClient: n.client(),
		Logger: slog.New(slog.DiscardHandler), Now: c.Now,
	})
	a.client, _ = a.sdk.Client() // it has a key and a URL
	run := map[string]func(context.Context, order) (int, error){
		jobPlain: a.plain, jobSleeper: a.sleeper, jobFlaky: a.flaky, jobFailing: a.failing, jobParallel: a.parallel, jobParent: a.parent,
		jobWaiter: a.waiter, jobAsker: a.asker,
	}
	for _, name := range jobNames {
		a.jobs[name] = runhook.NewJob(a.sdk, name, "1.0.0", runhook.OnInvoke[order](), run[name])
	}
	for _, name := range []string{jobShipper, jobBiller} {
		runhook.NewJob(a.sdk, name, "1.0.0", runhook.OnEvent[order](eventPlaced), a.placed(name))
	}
	return a
}

type executionKey struct{}

// ServeHTTP is the app's endpoint. Now and then the app is restarted meanwhile.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), executionKey{}, a.model.tick()))
	defer cancel()
	if name := "app " + nameOf(r.Context()); a.faults.oneIn(name, 25) {
		timer := time.AfterFunc(a.faults.upTo(name, 2*time.Second), cancel)
		defer timer.Stop()
	}
	a.sdk.ServeHTTP(w, r.WithContext(ctx))
}

// done is what a task returns: the number of its order, and by which execution it
// was done.
type done struct {
	Number    int `json:"number"`
	Execution int `json:"execution"`
}

// task does something that must not be repeated once it was recorded.
func (a *app) task(ctx context.Context, o order, key string, options ...runhook.TaskOption) (int, error) {
	execution, _ := ctx.Value(executionKey{}).(int)
	recorded := true
	result, err := runhook.Task(ctx, key, func(ctx context.Context) (done, error) {
		recorded = false
		a.model.executes(o.Number, key, execution)
		name, longest := fmt.Sprint("task ", o.Number, " ", key), time.Second/2
		if a.faults.oneIn(name, 8) {
			longest = 10 * time.Second
		}
		return done{o.Number, execution}, a.network.gate.pass(ctx, name, time.Now().Add(a.faults.upTo(name, longest)))
	}, options...)
	if err == nil {
		a.model.acknowledged(o.Number, key)
		if recorded {
			a.model.remembers(o.Number, key, result.Execution)
		}
	}
	return result.Number, err
}

func (a *app) plain(ctx context.Context, o order) (int, error) {
	sum := 0
	for step := range o.Steps {
		result, err := a.task(ctx, o, fmt.Sprint("step-", step))
		if err != nil {
			return 0, err
		}
		sum += result
	}
	return sum, nil
}

func (a *app) sleeper(ctx context.Context, o order) (int, error) {
	before, err := a.task(ctx, o, "before")
	if err != nil {
		return 0, err
	}
	if err := runhook.Sleep(ctx, "sleep", time.Duration(o.Seconds)*time.Second); err != nil {
		return 0, err
	}
	after, err := a.task(ctx, o, "after")
	return before + after, err
}

// flaky has a task that fails a few times before it succeeds.
func (a *app) flaky(ctx context.Context, o order) (int, error) {
	return runhook.Task(ctx, "flaky", func(context.Context) (int, error) {
		if a.model.attempts(o.Number) <= o.Steps {
			return 0, errors.New("not yet")
		}
		return o.Number, nil
	}, runhook.RetryPolicy{MaxAttempts: 10, NoJitter: true})
}

func (a *app) failing(ctx context.Context, o order) (int, error) {
	if _, err := a.task(ctx, o, "before"); err != nil {
		return 0, err
	}
	return 0, errors.New("this job fails")
}

func (a *app) parallel(ctx context.Context, o order) (int, error) {
	branches := make([]int, o.Steps)
	for i := range branches {
		branches[i] = i
	}
	results, err := runhook.Parallel(ctx, "branches", branches, func(ctx context.Context, branch int) (int, error) {
		if err := runhook.Sleep(ctx, fmt.Sprint("sleep-", branch), time.Duration(o.Seconds*branch)*time.Second); err != nil {
			return 0, err
		}
		return a.task(ctx, o, fmt.Sprint("branch-", branch))
	})
	sum := 0
	for _, result := range results {
		sum += result
	}
	return sum, err
}

// parent has another run do its work, and resumes when that has ended.
func (a *app) parent(ctx context.Context, o order) (int, error) {
	child := order{Number: o.Number + childNumber, Steps: o.Steps}
	return a.jobs[jobPlain].InvokeAndWait(ctx, "child", child)
}
