package budget_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/runhook/runhook/server/internal/budget"
)

func TestTextsWaitUntilTheyFitIntoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		texts := budget.NewTexts(80) // of which a text takes four times its length
		first, second, other := texts.Hold("a"), texts.Hold("a"), texts.Hold("b")
		defer first.Release()
		loaded := 0
		if err := first.Acquire(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer second.Release()
			if second.Acquire(t.Context(), 1) == nil {
				loaded++
			}
		}()
		synctest.Wait()
		if err := other.Acquire(t.Context(), 10); err != nil || loaded != 0 {
			t.Errorf("another environment got %v, and %d texts were loaded beyond the half", err, loaded)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := texts.Hold("b").Acquire(ended, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("a wait that was ended gave %v", err)
		}
		first.Release()
		first.Release()
		synctest.Wait()
		if loaded != 1 {
			t.Error("the text that waited was not loaded")
		}
		other.Release()
		if err := texts.Hold("c").Acquire(t.Context(), 1000); err != nil {
			t.Error(err)
		}
	})
}
