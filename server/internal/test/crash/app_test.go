package crash

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/runhook/runhook"
)

const (
	ledgerVariable = "RUNHOOK_CRASH_LEDGER"
	// nap is how long a run waits between its tasks.
	nap = 300 * time.Millisecond
)

// serveApp is the Go app, at a port of its own, which it prints: a job that is
// invoked, as the app in Node, e2e/crash.js, has one, and two that run on events.
func serveApp() {
	ledger, err := os.OpenFile(os.Getenv(ledgerVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	sdk := runhook.New(runhook.Config{ID: goApp.id, Logger: slog.New(slog.DiscardHandler)})
	a := &app{ledger: ledger}
	runhook.NewJob(sdk, goApp.job, "1.0.0", runhook.OnInvoke[string](), a.work)
	for _, job := range goApp.eventJobs {
		runhook.NewJob(sdk, job, "1.0.0", runhook.OnEvent[string](happened), a.handleEvent)
	}
	fmt.Printf("%s%s\n", appReady, listener.Addr())
	panic(http.Serve(listener, sdk))
}

// appReady begins the line that says where the app serves.
const appReady = "serving at "

// app writes down what it does, before it answers.
type app struct{ ledger *os.File }

// work is the job: two tasks, of which the second fails the first time, with a
// wait between them.
func (a *app) work(ctx context.Context, payload string) (string, error) {
	execution := rand.Text()
	if err := a.task(ctx, execution, "first"); err != nil {
		return "", err
	}
	if err := runhook.Sleep(ctx, "nap", nap); err != nil {
		return "", err
	}
	if err := a.task(ctx, execution, "second", runhook.RetryPolicy{MaxAttempts: 5, InitialInterval: 50 * time.Millisecond}); err != nil {
		return "", err
	}
	return payload, nil
}

// handleEvent is what runs on events: one task.
func (a *app) handleEvent(ctx context.Context, payload string) (string, error) {
	return payload, a.task(ctx, rand.Text(), "heard")
}

var errFirstAttempt = errors.New("fails the first time")

func (a *app) task(ctx context.Context, execution, key string, options ...runhook.DoOption) error {
	run := runhook.CurrentRun(ctx).ID
	if err := a.note(asked, run, key, execution); err != nil {
		return err
	}
	err := runhook.Do(ctx, key, func(ctx context.Context) error {
		if len(options) > 0 && runhook.CurrentTask(ctx).Attempt == 1 {
			return errFirstAttempt
		}
		return a.note(executed, run, key, execution)
	}, options...)
	if err == nil {
		err = a.note(acknowledged, run, key, execution)
	}
	return err
}

// note appends a line to the ledger and has it on disk before it returns.
func (a *app) note(what, run, key, execution string) error {
	if _, err := fmt.Fprintln(a.ledger, what, run, key, execution); err != nil {
		return err
	}
	return a.ledger.Sync()
}
