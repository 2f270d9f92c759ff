package api_test

import (
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// openRun returns a run that waits for a callback that never comes.
func openRun(s *harness.Server, app *harness.App) string {
	id := app.Run(nil, func(x *harness.Execution) harness.Reply {
		return harness.Resume(x.Task("never", harness.Callback(0)))
	})
	s.Development().WaitRun(id, protocol.RunWaitingToContinue)
	return id
}

// checkStatus fails the test unless an answer has the status, and an error that
// is text if that is not 200.
func checkStatus(t *testing.T, answer harness.Answer, status int) {
	t.Helper()
	if answer.Status != status {
		t.Errorf("answered %d, want %d: %.300s", answer.Status, status, answer.Body)
	}
	if status != 200 && answer.Error() == "" {
		t.Errorf("the answer has no error: %.300s", answer.Body)
	}
}

// checkMember fails the test unless a member of an answer is the JSON; empty
// stands for absent.
func checkMember(t *testing.T, answer harness.Answer, name, want string) {
	t.Helper()
	if got := string(answer.Members()[name]); got != want {
		t.Errorf("%s is %s, want %s", name, got, want)
	}
}

// postTask asks for a task of a run and returns the answer as it came.
func postTask(c *harness.Client, run, key, body string, headers ...string) harness.Answer {
	return c.Do("POST", "/api/v1/runs/"+run+"/tasks", body, append(headers, protocol.HeaderIdempotencyKey, key)...)
}

// oneExecution lets a server execute one run at a time.
func oneExecution(c *server.Config) { c.Executions = 1 }
