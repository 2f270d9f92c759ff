package engine_test

import (
	"fmt"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/servertest"
)

// An app whose executions do not end gets no more than its part of the room.
func TestAnEndpointThatHangsDoesNotSlowAnother(t *testing.T) {
	t.Parallel()
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		s := servertest.Start(t, servertest.Options{Database: database, Adjust: func(c *server.Config) { c.Executions, c.EgressAllow = 12, "127.0.0.1" }})
		hanging := servertest.NewUnregisteredApp(t, s)
		hanging.SetIndex(servertest.Index(servertest.Job("hangs", "1.0.0")))
		production := s.As(s.Key(protocol.Production).Secret)
		hanging.Register(production, "hanging")
		app := servertest.NewApp(t, s)

		release := make(chan struct{})
		var stuck []string
		for range 30 {
			key := hanging.Script(func(x *servertest.Execution) servertest.Reply {
				select {
				case <-release:
				case <-x.Done: // the test failed
				}
				return servertest.Success("")
			})
			stuck = append(stuck, production.Invoke("hangs", "{}", protocol.HeaderIdempotencyKey, key))
		}
		s.Wait("the executions that hang", func() bool { return hanging.Calls(protocol.ActionExecuteJob) >= 6 })
		for range 20 {
			s.Development().WaitRun(app.Run(nil, servertest.Always(servertest.Success(""))), protocol.RunSuccess)
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
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		const slots, endpoints, each = 12, 15, 2
		s := servertest.Start(t, servertest.Options{Database: database, Adjust: func(c *server.Config) { c.Executions, c.EgressAllow = slots, "127.0.0.1" }})
		production := s.As(s.Key(protocol.Production).Secret)
		release := make(chan struct{})
		var hanging []*servertest.App
		var stuck []string
		for i := range endpoints {
			job := fmt.Sprintf("hangs-%d", i)
			app := servertest.NewUnregisteredApp(t, s)
			app.SetIndex(servertest.Index(servertest.Job(job, "1.0.0")))
			app.Register(production, fmt.Sprintf("hanging-%d", i))
			hanging = append(hanging, app)
			for run := range each {
				key := app.ScriptAs(fmt.Sprintf("%s-%d", job, run), func(x *servertest.Execution) servertest.Reply {
					select {
					case <-release:
					case <-x.Done: // the test failed
					}
					return servertest.Success("")
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
		app := servertest.NewApp(t, s)
		for range 20 {
			s.Development().WaitRun(app.Run(nil, servertest.Always(servertest.Success(""))), protocol.RunSuccess)
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
