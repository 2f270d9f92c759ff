// Package runhooktest runs jobs in tests, in memory and without a server: tasks are
// remembered, waits pass at once, and every wait, retry and second invocation executes
// the job again from its first line, as a server would have it. So a test finds what
// is wrong only then: a key used twice, a step outside a task that comes out
// differently.
//
//	server := runhooktest.New()
//	client := runhook.New(server.Config("shop"))
//	fulfil := defineFulfil(client) // calls runhook.NewJob
//	server.Serve(client)
//	receipt, err := runhooktest.Run(server, fulfil, Order{ID: "A-1"})
//
// It sends no completion webhooks, lets no schedules tick, and starts jobs on events
// by their names alone, without filters: test those against a server.
//
// A server and its client belong to one goroutine.
package runhooktest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// A Server executes the jobs of one client. It is created by [New].
type Server struct{ memory *sdktest.Server }

// New returns a server without runs. Its clock shows the first second of 2026 and
// stands still but for what [Server.Advance] and [Run] move it.
func New() *Server { return &Server{memory: sdktest.New()} }

// Config is that of a client with the ID whose server this is. It may be changed, but
// for the key, the URL and the HTTP client.
func (s *Server) Config(id string) runhook.Config {
	return runhook.Config{
		ID: id, APIKey: sdktest.APIKey, APIURL: "http://runhook.test", HTTPClient: s.memory.Client(),
		Logger: slog.New(slog.DiscardHandler), Now: s.memory.Now,
	}
}

// Serve has the server execute the jobs of the client. It takes the place of
// registering the app.
func (s *Server) Serve(client http.Handler) { s.memory.Serve(client) }

// Now returns the server's time.
func (s *Server) Now() time.Time { return s.memory.Now() }

// Settle executes all runs until each has ended or waits.
func (s *Server) Settle() { s.memory.Settle() }

// Advance lets time pass, at once, and executes the runs whose waits are over.
func (s *Server) Advance(d time.Duration) {
	s.memory.Advance(d)
	s.memory.Settle()
}

// ErrWaiting says that a run waits for something that time does not bring: an event,
// a request or another run without a time-out.
var ErrWaiting = errors.New("the run waits for something that time does not bring: " +
	"invoke the job, call Settle, bring about what it waits for, then ask for its Result")

// Run invokes a job and executes it to its end, letting pass whatever time it waits.
// It returns what [runhook.Job.Result] does, or [ErrWaiting].
func Run[Payload, Output any](s *Server, job *runhook.Job[Payload, Output], payload Payload, options ...runhook.InvokeOption) (Output, error) {
	run, err := job.Invoke(context.Background(), payload, options...)
	if err != nil {
		var none Output
		return none, err
	}
	return Result(s, job, run)
}

// Result executes a run to its end, as [Run] does, and returns its result.
func Result[Payload, Output any](s *Server, job *runhook.Job[Payload, Output], run runhook.Run) (Output, error) {
	var none Output
	for {
		s.memory.Settle()
		current := s.memory.Run(run.ID)
		if current == nil {
			return none, fmt.Errorf("the server has no run %q", run.ID)
		}
		if current.Status == protocol.RunSuccess {
			return job.Result(context.Background(), run)
		}
		if current.Status.Terminal() {
			return none, &runhook.RunError{ID: run.ID, Status: current.Status, Output: current.Error}
		}
		due, waits := s.memory.NextDue()
		if !waits {
			return none, fmt.Errorf("run %s of job %q: %w", run.ID, job.ID(), ErrWaiting)
		}
		s.memory.Advance(due.Sub(s.memory.Now()))
	}
}
