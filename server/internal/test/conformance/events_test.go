package conformance

import (
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var events = harness.Cases{
	"22.1 item B17, 8 item 25: a canceled event is never delivered, though it is sent again": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("later", "1.0.0", on("later", nil, nil)))
		at := object{"deliverAt": protocol.At(s.Clock.Now().Add(time.Hour))}
		send(s, object{"id": "canceled", "name": "later"}, at)
		s.Development().OK("POST", "/api/v1/events/canceled/cancel", nil, nil)
		if again := send(s, object{"id": "canceled", "name": "later"}, at); again.CancelledAt == nil {
			t.Errorf("sent again it is %+v", again)
		}
		send(s, object{"id": "beside", "name": "later"}, at)
		s.Clock.Advance(time.Hour)
		s.Wait("the other event", func() bool { return started(s, "beside") == 1 })
		want(t, "runs", started(s, "canceled"), 0)
	},
	"8 item 22: a parent is notified of a child that was canceled with the runs of its job": func(t *testing.T, s *harness.Server, app *harness.App) {
		index(t, s, app, job("child", "1.0.0", nil))
		key := app.Script(asks)
		parent := app.Run(nil, func(x *execution) reply {
			invoked := x.Task("invoke", harness.Callback(0))
			child := x.API.Invoke("child", calledBackAt(*invoked.CallbackURL), protocol.HeaderIdempotencyKey, key)
			s.Development().WaitRun(child, protocol.RunWaitingToContinue)
			return harness.Resume(invoked)
		}, done)
		s.Development().WaitRun(parent, protocol.RunWaitingToContinue)
		s.Development().OK("POST", "/api/v1/jobs/child/cancel-runs", nil, nil)
		s.Development().WaitRun(parent, protocol.RunSuccess)
	},
}
