package runhook

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/runhook/runhook/protocol"
)

// Parallel calls run for every item at once, as one task, and returns the
// results in the order of the items. Items suspend independently: while one
// waits, the others continue. The calls made for different items may use the same
// keys.
//
// If an item fails, so does the whole task, once all items have come to an end
// or a wait. The function is called at least once for every item, and again on
// each execution until all have ended: put what must not be repeated into a
// [Task].
//
// Branches of different kinds are made with [Branch] and goroutines. Parallel saves
// the goroutines and the keys of branches, and remembers the results as one.
func Parallel[Item, Result any](ctx context.Context, key string, items []Item,
	run func(ctx context.Context, item Item) (Result, error), options ...TaskOption,
) ([]Result, error) {
	request := protocol.CreateTask{Name: "parallel", Parallel: true}
	output, err := callTaskWith(ctx, key, request, options, func(ctx context.Context) (json.RawMessage, error) {
		results := make([]Result, len(items))
		err := eachItem(ctx, len(items), func(ctx context.Context, i int) (err error) {
			results[i], err = run(ctx, items[i])
			return err
		})
		if err != nil {
			return nil, err
		}
		return encodeOutput(results)
	})
	if err != nil {
		return nil, err
	}
	return decodeOutput[[]Result](key, output)
}

// eachItem calls run in a goroutine and a scope of its own for each item, waits
// for all, and returns the first real error, else the suspensions.
func eachItem(ctx context.Context, count int, run func(ctx context.Context, i int) error) error {
	parent := branchFrom(ctx)
	errs := make([]error, count)
	var group sync.WaitGroup
	for i := range count {
		errs[i] = panicked(nil) // unless it returns
		group.Go(func() { errs[i] = parent.runItem(ctx, i, run) })
	}
	group.Wait()
	all := &suspension{reason: "items of a parallel task are suspended"}
	for i, err := range errs {
		suspended, ok := err.(*suspension)
		if err != nil && !ok {
			return err
		}
		if ok {
			for _, leaf := range suspended.leaves {
				leaf.item = i
				all.leaves = append(all.leaves, leaf)
			}
		}
	}
	if len(all.leaves) > 0 {
		return all
	}
	return nil
}

func (b *branch) runItem(ctx context.Context, i int, run func(ctx context.Context, i int) error) error {
	item := newScope(b.execution, b.parentID, b.task, i)
	ctx, release := item.contextFrom(ctx)
	defer release()
	_, err := item.run(func() (json.RawMessage, error) { return nil, run(ctx, i) })
	if err != nil && b.execution.ctx.Err() != nil {
		return b.execution.ended()
	}
	return err
}
