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

func TestTheEnvironmentsStoreOutsideOfRuns(t *testing.T) {
	server, client := newApp(t)
	ctx, store := t.Context(), client.Store()
	var value line
	if found, err := store.Get(ctx, "a/b", &value); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if err := store.Set(ctx, "a/b", line{3}); err != nil {
		t.Fatal(err)
	}
	if found, err := store.Get(ctx, "a/b", &value); !found || err != nil || value.Quantity != 3 {
		t.Errorf("found %v, %+v, %v", found, value, err)
	}
	set := server.Requests()[1]
	if set.Method+set.Path != "PUT/api/v1/store/a%2Fb" || set.Body != `{"quantity":3}` || set.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("sent %+v", set)
	}
	for _, want := range []bool{true, false} {
		if deleted, err := store.Delete(ctx, "a/b"); deleted != want || err != nil {
			t.Errorf("deleted %v, %v", deleted, err)
		}
	}
}

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
		deleted, err := runhook.RunStore(ctx).Delete(ctx, "count", runhook.Key("last"))
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
	server, client := newApp(t)
	ctx, store := t.Context(), client.Store()
	if err := store.Set(ctx, "k", make(chan int)); errorText(err) != `set "k" in the environment's store: encode the value as JSON: json: unsupported type: chan int` {
		t.Errorf("error %v", err)
	}
	if err := store.Set(ctx, "k", strings.Repeat("x", 256<<10)); errorText(err) != `set "k" in the environment's store: the value has 262146 characters, and 262144 are allowed` {
		t.Errorf("error %v", err)
	}
	if err := store.Set(ctx, "k", "text"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(ctx, "k", new(int)); !strings.Contains(errorText(err), "the value does not fit a *int") {
		t.Errorf("error %v", err)
	}
	server.Fail("/k", 403, 3)
	var refused *runhook.APIError
	if _, err := store.Get(ctx, "k", new(int)); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
	for _, none := range []runhook.Store{runhook.JobStore(ctx), runhook.RunStore(ctx)} {
		if err := none.Set(ctx, "k", 1); !errors.Is(err, runhook.ErrNoRun) {
			t.Errorf("error %v", err)
		}
	}
}
