package gosdk

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// The group cancels its ctx when the first branch is suspended.
func TestBranchesInAnErrgroupWaitSideBySide(t *testing.T) {
	var steps atomic.Int32
	step := func(context.Context) error { steps.Add(1); return nil }
	a := start(t, harness.Memory, func(app *runhook.App) {
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
			group, ctx := errgroup.WithContext(ctx)
			for i := range 3 {
				branch := runhook.Branch(ctx, fmt.Sprint("branch ", i))
				group.Go(func() error {
					if err := runhook.Sleep(branch, "pause", time.Duration(i)*time.Hour); err != nil {
						return err
					}
					inner, branch := errgroup.WithContext(branch)
					for j := range 2 {
						branch := runhook.Branch(branch, fmt.Sprint("branch ", j))
						inner.Go(func() error { return runhook.Do(branch, "step", step) })
					}
					return inner.Wait()
				})
			}
			return "done", group.Wait()
		})
	})
	id := a.api.Invoke("job", `{}`)
	for _, want := range []int32{2, 4} {
		a.server.Wait("the steps of a branch", func() bool { return steps.Load() == want })
		a.wait(id)
		a.server.Clock.Advance(time.Hour)
	}
	a.wantOutput(id, `"done"`)
	if steps.Load() != 6 {
		t.Errorf("ran %d steps", steps.Load())
	}
}
