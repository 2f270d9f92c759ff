package runs_test

import (
	"fmt"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// An app whose executions do not end gets no more than its part of the room.
func TestAnEndpointThatHangsDoesNotSlowAnother(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) { c.Executions, c.EgressAllow = 12, "127.0.0.1" }})
		hanging := harness.NewUnregisteredApp(t, s)
		hanging.SetIndex(harness.Index(harness.Job("hangs", "1.0.0")))
		production := s.As(s.Key(protocol.Production).Secret)
		hanging.Register(production, "hanging")
		app := harness.NewApp(t, s)

		release := make(chan struct{})
		var stuck []string
		for range 30 {
			key := hanging.Script(func(x *harness.Execution) harness.Reply {
				select {
				case <-release:
				case <-x.Done: // the test failed
				}
				return harness.Success("")
			})
			stuck = append(stuck, production.Invoke("hangs", "{}", protocol.HeaderIdempotencyKey, key))
		}
		s.Wait("the executions that hang", func() bool { return hanging.Calls(protocol.ActionExecuteJob) >= 6 })
		for range 20 {
			s.Development().WaitRun(app.Run(nil, harness.Always(harness.Success(""))), protocol.RunSuccess)
		}
		if calls := hanging.Calls(protocol.ActionExecuteJob); calls > 11 {
			t.Errorf("the endpoint that hangs has %d of 12 executions", calls)
		}
		close(release)
		for _, id := range stuck {
			production.WaitRun(id, protocol.RunSuccess)
		}
	})
}

// An environment whose endpoints all hang gets no more than its part of the room,
// however many they are.
func TestAnEnvironmentOfManyEndpointsThatHangDoesNotSlowAnother(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		const slots, endpoints, each = 12, 15, 2
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) { c.Executions, c.EgressAllow = slots, "127.0.0.1" }})
		production := s.As(s.Key(protocol.Production).Secret)
		release := make(chan struct{})
		var hanging []*harness.App
		var stuck []string
		for i := range endpoints {
			job := fmt.Sprintf("hangs-%d", i)
			app := harness.NewUnregisteredApp(t, s)
			app.SetIndex(harness.Index(harness.Job(job, "1.0.0")))
			app.Register(production, fmt.Sprintf("hanging-%d", i))
			hanging = append(hanging, app)
			for run := range each {
				key := app.ScriptAs(fmt.Sprintf("%s-%d", job, run), func(x *harness.Execution) harness.Reply {
					select {
					case <-release:
					case <-x.Done: // the test failed
					}
					return harness.Success("")
				})
				stuck = append(stuck, production.Invoke(job, "{}", protocol.HeaderIdempotencyKey, key))
			}
		}
		calls := func() (n int) {
			for _, app := range hanging {
				n += app.Calls(protocol.ActionExecuteJob)
			}
			return n
		}
		s.Wait("the executions that hang", func() bool { return calls() >= slots/2 })
		app := harness.NewApp(t, s)
		for range 20 {
			s.Development().WaitRun(app.Run(nil, harness.Always(harness.Success(""))), protocol.RunSuccess)
		}
		if n := calls(); n >= slots {
			t.Errorf("the environment that hangs has %d of %d executions", n, slots)
		}
		close(release)
		for _, id := range stuck {
			production.WaitRun(id, protocol.RunSuccess)
		}
	})
}
