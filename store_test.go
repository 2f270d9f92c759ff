package runhook_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
)

func TestStoresInARunAreReplayed(t *testing.T) {
	calls := 0
	server, run := define(t, func(ctx context.Context) (string, error) {
		var counts []int
		for _, store := range []runhook.Store{runhook.JobStore(ctx), runhook.RunStore(ctx)} {
			for range 2 {
				var count int
				if _, err := store.Get(ctx, "count", &count); err != nil {
					return "", err
				}
				if err := store.Set(ctx, "count", count+1); err != nil {
					return "", err
				}
				counts = append(counts, count)
			}
		}
		deleted, err := runhook.RunStore(ctx).Delete(ctx, "count")
		if err != nil {
			return "", err
		}
		if calls++; calls == 1 {
			return "", runhook.Sleep(ctx, "pause", time.Second)
		}
		return fmt.Sprint(counts, deleted), runhook.Sleep(ctx, "pause", time.Second)
	})
	settleFor(server, run, time.Second, 2)
	wantOutput(t, run, `"[0 1 0 1] true"`)
	if values := server.Values(); fmt.Sprint(slices.Collect(maps.Keys(values)), values["job:job:count"]) != "[job:job:count]2" {
		t.Errorf("stored %v", values)
	}
	if tasks := run.Tasks(); tasks[0].Name != "get count" || string(tasks[0].Params) != `{"key":"count","store":"job"}` {
		t.Errorf("task %+v", tasks[0])
	}
}

func TestWhatCannotBeStored(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (string, error) {
		store := runhook.EnvironmentStore(ctx)
		invalid := store.Set(ctx, "k", make(chan int))
		long := store.Set(ctx, "k", strings.Repeat("x", 256<<10))
		if err := store.Set(ctx, "k", "text"); err != nil {
			return "", err
		}
		_, misfit := store.Get(ctx, "k", new(int))
		return fmt.Sprintf("%v; %v; %v", invalid, long, misfit), nil
	})
	server.Settle()
	wantOutput(t, run, `"set \"k\" in the environment's store: encode the value as JSON: json: unsupported type: chan int; `+
		`set \"k\" in the environment's store: the value has 262146 characters, and 262144 are allowed; `+
		`get \"k\" in the environment's store: the value does not fit a *int: json: cannot unmarshal string into Go value of type int"`)
	ctx := t.Context()
	for _, none := range []runhook.Store{runhook.EnvironmentStore(ctx), runhook.JobStore(ctx), runhook.RunStore(ctx)} {
		if err := none.Set(ctx, "k", 1); !errors.Is(err, runhook.ErrNoRun) {
			t.Errorf("error %v", err)
		}
	}
}
