// Package runhooktest runs jobs in tests, in memory and without a server: tasks are
// remembered, waits pass at once, and every wait, retry and second invocation executes
// the job again from its first line, as a server would have it. So a test finds what
// is wrong only then: a key used twice, a step outside a task that comes out
// differently. A run whose code does not come to the tasks that it came to before
// fails the test: see [NotAskedError] and [Server.Watch].
//
//	server := runhooktest.New()
//	app := runhook.New(server.Config("shop"))
//	fulfil := defineFulfil(app) // calls runhook.NewJob
//	server.Serve(app)
//	receipt, err := runhooktest.Run(server, fulfil, Order{ID: "A-1"})
//
// It passes the suite of job behaviour that the server passes, which includes filters of
// events. It sends no completion webhooks and lets no schedules tick: test those against a
// server. Of filters one thing differs: with filter.EqualFold a server takes texts for
// equal that Unicode writes in different ways, such as an accent that is a
// character of its own, wide letters and ligatures; here they differ.
//
// A server and its app belong to one goroutine.
package runhooktest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// A Server executes the jobs of one app. It is created by [New].
type Server struct{ memory *sdktest.Server }

// New returns a server without runs. Its clock shows the first second of 2026 and
// stands still but for what [Server.Advance] and [Run] move it.
func New() *Server { return &Server{memory: sdktest.New()} }

// Config is that of an app with the ID whose server this is. It may be changed, but
// for the key, the URL and the HTTP client.
func (s *Server) Config(id string) runhook.Config {
	return runhook.Config{
		ID: id, APIKey: sdktest.APIKey, APIURL: "http://runhook.test", HTTPClient: s.memory.Client(),
		Logger: slog.New(slog.DiscardHandler), Now: s.memory.Now,
	}
}

// Serve has the server execute the jobs of the client. It takes the place of
// registering the app.
func (s *Server) Serve(app http.Handler) { s.memory.Serve(app) }

// Now returns the server's time.
func (s *Server) Now() time.Time { return s.memory.Now() }

// T is what [Server.Watch] needs of a *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// Watch fails the test with a [NotAskedError], for runs whose result nothing asks for,
// too.
func (s *Server) Watch(t T) {
	s.memory.OnNotAsked = func(run *sdktest.Run) {
		t.Helper()
		t.Errorf("%v", notAsked(run))
	}
}

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

// NotAskedError says that the code of a run, when it had returned, had not called
// tasks that are on record for the run, from executions before: it has steps outside
// of tasks that come out differently, or was changed while the run was under way.
// What those tasks did may have been done again under other keys. Log messages do not
// count, nor do tasks inside of a task that had finished or was tried again.
type NotAskedError struct {
	// RunID and JobID name the run.
	RunID, JobID string
	// Tasks are the keys of the tasks, or the names of those with a [runhook.Key].
	Tasks []string
}

// Error names the tasks and says what to do.
func (e *NotAskedError) Error() string {
	return fmt.Sprintf("run %s of job %q did not ask for tasks that it had recorded in an execution before: %s: "+
		"let the code come to the same tasks with the same keys on every execution, and put into a task whatever may come out differently",
		e.RunID, e.JobID, strings.Join(e.Tasks, ", "))
}

func notAsked(run *sdktest.Run) error {
	if len(run.NotAsked) == 0 {
		return nil
	}
	return &NotAskedError{RunID: run.ID, JobID: run.Job, Tasks: run.NotAsked}
}

// Run invokes a job and executes it to its end, letting pass whatever time it waits.
// It returns what [runhook.Job.Result] does, [ErrWaiting] or a [NotAskedError].
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
		if current.Status.Terminal() {
			output, err := ended(job, run, current)
			if unasked := notAsked(current); unasked != nil {
				return none, join(err, unasked)
			}
			return output, err
		}
		due, waits := s.memory.NextDue()
		if !waits {
			return none, fmt.Errorf("run %s of job %q: %w", run.ID, job.ID(), ErrWaiting)
		}
		s.memory.Advance(due.Sub(s.memory.Now()))
	}
}

// ended returns the result of a run that has ended.
func ended[Payload, Output any](job *runhook.Job[Payload, Output], run runhook.Run, current *sdktest.Run) (output Output, err error) {
	if current.Status != protocol.RunSuccess {
		return output, &runhook.RunError{ID: run.ID, Status: current.Status, Output: current.Error}
	}
	return job.Result(context.Background(), run)
}

func join(err, unasked error) error {
	if err == nil {
		return unasked
	}
	return fmt.Errorf("%w; %w", err, unasked)
}
