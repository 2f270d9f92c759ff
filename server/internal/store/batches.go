package store

import (
	"context"
	"iter"
)

// InBatches reads a list that may be long in transactions of up to size items: read
// returns those that follow the id of one, or the first ones after "". An error is the
// last of the sequence.
func InBatches[T any](ctx context.Context, from *Store, size int, id func(T) string, read func(tx *Tx, after string) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			var batch []T
			err := from.View(ctx, func(tx *Tx) (err error) {
				batch, err = read(tx, after)
				return err
			})
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range batch {
				if !yield(item, nil) {
					return
				}
			}
			if len(batch) < size {
				return
			}
			after = id(batch[len(batch)-1])
		}
	}
}

// Itself is the id of an item that is one.
func Itself(id string) string { return id }
