package runs_test

import (
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// Executions of a run overlap when a server was given up that still has the app at
// work.
func TestATaskThatAnotherExecutionCompletesWhileItIsToBeRetriedKeepsNoRunForEver(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Database: harness.Postgres(t)})
	app := harness.NewApp(t, s)
	other, err := postgres.Open(t.Context(), s.Database, postgres.Options{Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	complete, completing, completed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	id := app.Run(nil,
		func(x *harness.Execution) harness.Reply {
			task := x.Task("once")
			go func() {
				completed <- other.Update(t.Context(), func(c database.Conn) error {
					_, err := c.Exec(`UPDATE tasks SET status = 'COMPLETED', completed_at = started_at WHERE id = $1`, task.ID)
					close(completing)
					<-complete
					return err
				})
			}()
			<-completing
			return harness.Retry(task, s.Clock.Now())
		},
		harness.Always(harness.Success("")))
	<-completing
	s.Wait("the end of the execution to wait for the task", func() bool {
		var waiting bool
		err := other.View(t.Context(), func(c database.Conn) error {
			_, err := database.First(c, `
				SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`, nil, &waiting)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return waiting
	})
	close(complete)
	if err := <-completed; err != nil {
		t.Error(err)
	}
	s.Development().WaitRun(id, protocol.RunSuccess)
}
