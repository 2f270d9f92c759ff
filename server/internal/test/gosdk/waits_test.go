package gosdk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/server/internal/test/harness"
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
	harness.EachDatabase(t, func(t *testing.T, database string) {
		a := start(t, database, func(app *runhook.App) {
			runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[string](), waitForPayment)
		})
		paid, unpaid := a.api.Invoke("job", `{"payload":"lamp"}`), a.api.Invoke("job", `{"payload":"chair"}`)
		a.wait(paid)
		a.wait(unpaid)
		_, err := a.client.SendEvents(a.ctx, []runhook.Event{
			{Name: "paid", ID: "e1", Payload: line{"table", 1}}, {Name: "paid", ID: "e2", Payload: line{"lamp", 2}},
		}, client.SendOptions{})
		a.must(err)
		a.wantOutput(paid, `"e22"`)
		a.server.Clock.Advance(24 * time.Hour)
		a.wantOutput(unpaid, `"never paid"`)
	})
}

func TestARunWaitsForARequest(t *testing.T) {
	got := make(chan string, 1)
	a := start(t, "", func(app *runhook.App) {
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (int, error) {
			answer, err := runhook.WaitForRequest[line](ctx, "answer", func(ctx context.Context, url string) error {
				return runhook.Do(ctx, "publish", func(context.Context) error { got <- url; return nil })
			})
			return answer.Quantity, err
		})
	})
	id := a.api.Invoke("job", `{}`)
	a.wait(id)
	address, err := url.Parse(<-got)
	a.must(err)
	a.server.As("").OK("POST", address.Path, `{"sku":"lamp","quantity":5}`, nil)
	a.wantOutput(id, "5")
}

func TestRunsThatWaitSurviveAServerThatMoves(t *testing.T) {
	addresses := make(chan string, 1)
	define := func(app *runhook.App) {
		child := runhook.NewJob(app, "child", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (int, error) {
			answer, err := runhook.WaitForRequest[line](ctx, "answer", func(ctx context.Context, url string) error {
				return runhook.Do(ctx, "pass on", func(context.Context) error { addresses <- url; return nil })
			})
			return answer.Quantity, err
		})
		runhook.NewJob(app, "parent", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (int, error) {
			quantity, err := child.InvokeAndWait(ctx, "child", none{})
			return quantity + 1, err
		})
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[string](), waitForPayment)
	}
	a := &app{t: t, ctx: t.Context()}
	database := "sqlite:" + filepath.Join(t.TempDir(), "runhook.db")
	a.serve(database, "http://one.internal:1/base", define)
	parent, paid := a.api.Invoke("parent", `{}`), a.api.Invoke("job", `{"payload":"lamp"}`)
	address := <-addresses
	a.wait(parent)
	a.wait(paid)
	a.server.Stop()
	a.serve(database, "http://two.internal:2", define)
	a.server.As("").OK("POST", strings.TrimPrefix(address, "http://one.internal:1/base"), `{"sku":"lamp","quantity":5}`, nil)
	a.wantOutput(parent, "6")
	_, err := a.client.SendEvents(a.ctx, []runhook.Event{{Name: "paid", ID: "e1", Payload: line{"lamp", 2}}}, client.SendOptions{})
	a.must(err)
	a.wantOutput(paid, `"e12"`)
}

func TestStoresKeepWhatRunsLeave(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		a := start(t, database, func(app *runhook.App) {
			runhook.NewJob(app, "count", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
				var counts [3]int
				for i, store := range []runhook.Store{runhook.EnvironmentStore(ctx), runhook.JobStore(ctx), runhook.RunStore(ctx)} {
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
		a.must(a.client.SetValue(a.ctx, "a/b %", 7))
		a.wantOutput(a.api.Invoke("count", `{}`), `"[7 0 0]"`)
		a.wantOutput(a.api.Invoke("count", `{}`), `"[8 1 0]"`)
		var left int
		found, err := a.client.GetValue(a.ctx, "a/b %", &left)
		a.must(err)
		deleted, err := a.client.DeleteValue(a.ctx, "a/b %")
		a.must(err)
		if !found || !deleted || left != 9 {
			t.Errorf("found %v %d, deleted %v", found, left, deleted)
		}
	})
}
