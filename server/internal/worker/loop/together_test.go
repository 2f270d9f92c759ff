package loop_test

import (
	"context"
	"testing"

	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/worker/loop"
)

func TestFunctionsRunTogetherUntilOneEndsOrPanics(t *testing.T) {
	t.Parallel()
	wait := func(ctx context.Context) { <-ctx.Done() }
	loop.Together(t.Context(), wait, func(context.Context) {})
	ended := false
	caught := panics.Do(func() {
		loop.Together(t.Context(), func(ctx context.Context) { wait(ctx); ended = true }, func(context.Context) { panic("fault") })
	})
	if caught == nil || caught.Value != "fault" || !ended {
		t.Errorf("caught %v; the other ended: %v", caught, ended)
	}
}
