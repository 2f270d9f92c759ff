package loop

import (
	"context"
	"sync"

	"github.com/runhook/runhook/server/internal/panics"
)

// Together calls functions that run until ctx ends, each in a goroutine, and returns
// when all have returned. When one returns before, the ctx of the others ends, so that
// the caller notices; one that panics has its panic passed on.
func Together(ctx context.Context, run ...func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	var mu sync.Mutex
	var panicked *panics.Error
	for _, fn := range run {
		running.Go(func() {
			defer cancel()
			if caught := panics.Do(func() { fn(ctx) }); caught != nil {
				mu.Lock()
				defer mu.Unlock()
				panicked = caught
			}
		})
	}
	running.Wait()
	if panicked != nil {
		panic(panicked)
	}
}
