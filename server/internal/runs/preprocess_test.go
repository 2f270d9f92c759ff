package runs_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// An app whose runProperties throws fails when it is asked, though its runs would
// succeed.
func TestAnAppThatWantsToBeAskedBeforeARunBeginsIsNotAsked(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewUnregisteredApp(t, s)
	app.SetIndex(harness.Index(strings.Replace(harness.Job(harness.JobID, harness.JobVersion), `"preprocessRuns":false`, `"preprocessRuns":true`, 1)))
	app.Register(s.Development(), "app")
	app.Handle(protocol.ActionPreprocessRun, func(http.Header, []byte) harness.Reply { return harness.HTTP(500, "") })
	s.Development().WaitRun(app.Run(nil, harness.Always(harness.Success("1"))), protocol.RunSuccess)
	if calls := app.Calls(protocol.ActionPreprocessRun); calls != 0 {
		t.Errorf("the app got %d PREPROCESS_RUN", calls)
	}
}
