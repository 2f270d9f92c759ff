package runs_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestRunsWithLargePayloadsThatAreDueAtOnceAreExecutedWithinTheMemory(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		// Of this memory, 12 MiB are for the payloads and requests of large runs: one at a
		// time, as each is above that.
		const memory, size, large, small = 64 << 20, 15 << 20, 3, 20
		s := harness.Start(t, harness.Options{Database: database, Adjust: func(c *server.Config) { c.Memory = memory }})
		app := harness.NewApp(t, s)
		opened := make(chan struct{})
		open := sync.OnceFunc(func() { close(opened) })
		t.Cleanup(open)
		var mu sync.Mutex
		inside, most := 0, 0
		body := fmt.Sprintf(`{"payload":"%s"}`, strings.Repeat("x", size))
		var runs []string
		for range large {
			runs = append(runs, app.Run(body, func(x *harness.Execution) harness.Reply {
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				select {
				case <-opened:
				case <-x.Done: // the test failed
				}
				mu.Lock()
				inside--
				mu.Unlock()
				return harness.Success("")
			}))
		}
		s.Wait("one to be executed", func() bool { return app.Calls(protocol.ActionExecuteJob) == 1 })
		for range small {
			s.Development().WaitRun(app.Run(nil, harness.Always(harness.Success(""))), protocol.RunSuccess)
		}
		if calls := app.Calls(protocol.ActionExecuteJob); calls != 1+small {
			t.Errorf("there are %d executions, want one of a large run and %d of small ones", calls, small)
		}
		open()
		for _, id := range runs {
			s.Development().WaitRun(id, protocol.RunSuccess)
		}
		if most != 1 {
			t.Errorf("%d large runs were executed at once", most)
		}
	})
}
