package gosdk

import (
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

func TestTheResultOfARunIsWaitedFor(t *testing.T) {
	var job *runhook.Job[line, string]
	a := start(t, "", shop(&job))
	run, err := job.Invoke(a.ctx, line{"lamp", 1})
	a.must(err)
	if output, err := job.Result(a.ctx, run); err != nil || output != "lamp" {
		t.Errorf("the result is %q, %v", output, err)
	}
	run, err = job.Invoke(a.ctx, line{"lamp", 0})
	a.must(err)
	_, err = job.Result(a.ctx, run)
	var failed *runhook.RunError
	if !errors.As(err, &failed) || failed.Status != protocol.RunFailure || failed.ID != run.ID || !strings.Contains(err.Error(), "nothing to sell") {
		t.Errorf("the result of one that failed is %v", err)
	}
	var refused *runhook.APIError
	if _, err := job.Result(a.ctx, runhook.Run{ID: "run_unknown"}); !errors.As(err, &refused) || refused.StatusCode != 404 {
		t.Errorf("the result of none is %v", err)
	}
}
