package gosdk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/server/internal/servertest"
)

func waitForPayment(ctx context.Context, sku string) (string, error) {
	event, err := runhook.WaitForEvent[line](ctx, "payment", "paid", runhook.Timeout(24*time.Hour),
		runhook.Where(filter.Object{"sku": filter.Is(sku)}))
	if errors.Is(err, runhook.ErrTimeout) {
		return "never paid", nil
	}
	return fmt.Sprint(event.ID, event.Payload.Quantity), err
}

func TestARunWaitsForAnEvent(t *testing.T) {
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		a := start(t, database, func(client *runhook.Client) {
			runhook.NewJob(client, "job", "1.0.0", runhook.OnInvoke[string](), waitForPayment)
		})
		paid, unpaid := a.api.Invoke("job", `{"payload":"lamp"}`), a.api.Invoke("job", `{"payload":"chair"}`)
		a.wait(paid)
		a.wait(unpaid)
		_, err := a.client.SendEvents(a.ctx, []runhook.Event{
			{Name: "paid", ID: "e1", Payload: line{"table", 1}}, {Name: "paid", ID: "e2", Payload: line{"lamp", 2}},
		})
		a.must(err)
		a.wantOutput(paid, `"e22"`)
		a.server.Clock.Advance(24 * time.Hour)
		a.wantOutput(unpaid, `"never paid"`)
	})
}

func TestARunWaitsForARequest(t *testing.T) {
	told := make(chan string, 1)
	a := start(t, "", func(client *runhook.Client) {
		runhook.NewJob(client, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (int, error) {
			answer, err := runhook.WaitForRequest[line](ctx, "answer", func(ctx context.Context, url string) error {
				return runhook.Do(ctx, "tell", func(context.Context) error { told <- url; return nil })
			})
			return answer.Quantity, err
		})
	})
	id := a.api.Invoke("job", `{}`)
	a.wait(id)
	address, err := url.Parse(<-told)
	a.must(err)
	a.server.As("").OK("POST", address.Path, `{"sku":"lamp","quantity":5}`, nil)
	a.wantOutput(id, "5")
}

func TestStoresKeepWhatRunsLeave(t *testing.T) {
	servertest.EachDatabase(t, func(t *testing.T, database string) {
		a := start(t, database, func(client *runhook.Client) {
			runhook.NewJob(client, "count", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
				var counts [3]int
				for i, store := range []runhook.Store{client.Store(), runhook.JobStore(ctx), runhook.RunStore(ctx)} {
					if _, err := store.Get(ctx, "a/b %", &counts[i]); err != nil {
						return "", err
					}
					if err := store.Set(ctx, "a/b %", counts[i]+1); err != nil {
						return "", err
					}
				}
				return fmt.Sprint(counts), nil
			})
		})
		a.must(a.client.Store().Set(a.ctx, "a/b %", 7))
		a.wantOutput(a.api.Invoke("count", `{}`), `"[7 0 0]"`)
		a.wantOutput(a.api.Invoke("count", `{}`), `"[8 1 0]"`)
		var left int
		found, err := a.client.Store().Get(a.ctx, "a/b %", &left)
		a.must(err)
		deleted, err := a.client.Store().Delete(a.ctx, "a/b %")
		a.must(err)
		if !found || !deleted || left != 9 {
			t.Errorf("found %v %d, deleted %v", found, left, deleted)
		}
	})
}
