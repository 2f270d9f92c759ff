package engine_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/servertest"
)

// An app whose runProperties throws fails when it is asked, though its runs would
// succeed.
func TestAnAppThatWantsToBeAskedBeforeARunBeginsIsNotAsked(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	app := servertest.NewUnregisteredApp(t, s)
	app.SetIndex(servertest.Index(strings.Replace(servertest.Job(servertest.JobID, servertest.JobVersion), `"preprocessRuns":false`, `"preprocessRuns":true`, 1)))
	app.Register(s.Development(), "app")
	app.Handle(protocol.ActionPreprocessRun, func(http.Header, []byte) servertest.Reply { return servertest.HTTP(500, "") })
	s.Development().WaitRun(app.Run(nil, servertest.Always(servertest.Success("1"))), protocol.RunSuccess)
	if calls := app.Calls(protocol.ActionPreprocessRun); calls != 0 {
		t.Errorf("the app got %d PREPROCESS_RUN", calls)
	}
}
