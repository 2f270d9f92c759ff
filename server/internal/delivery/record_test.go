package delivery

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutcomesAreRecordedTogetherWhileManyCome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		// come is how many outcomes come at once, one millisecond after the other.
		come []int
		want []int // how many are recorded together
		took time.Duration
	}{
		{"one that comes alone does not wait", []int{1}, []int{1}, 0},
		{"few do not wait", []int{3, 2, 1}, []int{3, 2, 1}, 2 * time.Millisecond},
		{"after a gatherAfter, the next wait for one another", []int{gatherAfter, 1, 2, 3}, []int{gatherAfter, 6}, gatherFor},
		{"after a gatherAfter, what comes late does not wait", []int{gatherAfter, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, []int{gatherAfter, 1}, 11 * time.Millisecond},
		{"nothing waits once a transaction is full", []int{gatherAfter, mostTogether}, []int{gatherAfter, mostTogether}, time.Millisecond},
		{"what is more than a transaction takes is in the next", []int{gatherAfter, mostTogether + 5}, []int{gatherAfter, mostTogether, 5}, time.Millisecond + gatherFor},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var recorded []int
				began, last := time.Now(), time.Now()
				r := newRecorder(func(_ context.Context, together []outcome) error {
					recorded, last = append(recorded, len(together)), time.Now()
					return nil
				}, func(context.Context, outcome, error) { t.Error("one could not be recorded") })
				for i, n := range c.come {
					if i > 0 {
						time.Sleep(time.Millisecond)
					}
					r.record(t.Context(), make([]outcome, n)...)
					synctest.Wait()
				}
				r.wait()
				if took := last.Sub(began); !slices.Equal(recorded, c.want) || took != c.took {
					t.Errorf("recorded %v within %v, want %v within %v", recorded, took, c.want, c.took)
				}
			})
		})
	}
}
