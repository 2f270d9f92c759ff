package databasetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/panics"
	"github.com/runhook/runhook/server/internal/store/database"
)

func keptAfterUpdate(t *testing.T, db database.DB) {
	err := db.Update(t.Context(), func(c database.Conn) error {
		changed, err := c.Exec(insertItem, "a", 1)
		if changed != 1 {
			t.Errorf("%d rows changed, want 1", changed)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCount(t, db, 1)
}

func nothingAfterError(t *testing.T, db database.DB) {
	err := db.Update(t.Context(), func(c database.Conn) error {
		if _, err := c.Exec(insertItem, "a", 1); err != nil {
			return err
		}
		return errTest
	})
	wantError(t, err, errTest)
	wantCount(t, db, 0)
}

func ignoredFailure(t *testing.T, db database.DB) {
	mustUpdate(t, db, insertItem, "a", 1)
	err := db.Update(t.Context(), func(c database.Conn) error {
		c.Exec(insertItem, "b", 1)
		c.Exec(insertItem, "a", 1)
		_, err := c.Exec(insertItem, "c", 1)
		wantError(t, err, database.ErrConflict)
		return nil
	})
	wantError(t, err, database.ErrConflict)
	wantCount(t, db, 1)
}

func statementWhileRowsAreOpen(t *testing.T, db database.DB) {
	err := db.Update(t.Context(), func(c database.Conn) error {
		rows, err := c.Query("SELECT id FROM items")
		if err != nil {
			return err
		}
		defer rows.Close()
		if _, err := c.Exec(insertItem, "a", 1); err == nil {
			t.Error("a statement began while rows were open")
		}
		return nil
	})
	if err == nil {
		t.Error("the transaction succeeded")
	}
	wantCount(t, db, 0)
}

func rowsLeftOpen(t *testing.T, db database.DB) {
	mustUpdate(t, db, insertItem, "a", 1)
	for range 3 {
		err := db.Update(t.Context(), func(c database.Conn) error {
			_, err := c.Query("SELECT id FROM items")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(c database.Conn) error {
			_, err := c.Query("SELECT id FROM items")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func failureAmongOthers(t *testing.T, db database.DB) {
	const good = 40
	var group sync.WaitGroup
	for i := range good * 2 {
		group.Go(func() {
			err := db.Update(t.Context(), func(c database.Conn) error {
				if _, err := c.Exec(insertItem, fmt.Sprint(i), i); err != nil {
					return err
				}
				if i%2 == 1 {
					return errTest
				}
				return nil
			})
			if i%2 == 1 {
				wantError(t, err, errTest)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	wantCount(t, db, good)
}

func ownWrites(t *testing.T, db database.DB) {
	err := db.Update(t.Context(), func(c database.Conn) error {
		if _, err := c.Exec(insertItem, "a", 7); err != nil {
			return err
		}
		var n int64
		found, err := database.First(c, "SELECT number FROM items WHERE id = $1", []any{"a"}, &n)
		if !found || n != 7 {
			t.Errorf("found %t, number %d; want true, 7", found, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recovered calls fn and returns what it panicked with.
func recovered(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}

func wantPanic(t *testing.T, value any) {
	t.Helper()
	failure, ok := value.(*panics.Error)
	if !ok {
		t.Fatalf("recovered %v (%T), want a *panics.Error", value, value)
	}
	if failure.Value != errTest || !errors.Is(failure, errTest) || len(failure.Stack) == 0 {
		t.Errorf("the panic's value is %v and its stack has %d bytes", failure.Value, len(failure.Stack))
	}
}

func panicInUpdate(t *testing.T, db database.DB) {
	wantPanic(t, recovered(func() {
		db.Update(t.Context(), func(c database.Conn) error {
			c.Exec(insertItem, "a", 1)
			panic(errTest)
		})
	}))
	mustUpdate(t, db, insertItem, "b", 1)
	wantCount(t, db, 1)
}

func goexitInUpdate(t *testing.T, db database.DB) {
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			err := db.Update(t.Context(), func(c database.Conn) error {
				c.Exec(insertItem, fmt.Sprint(i), 1)
				if i%2 == 0 {
					runtime.Goexit()
				}
				return nil
			})
			if err != nil || i%2 == 0 {
				t.Errorf("transaction %d returned %v", i, err)
			}
		})
	}
	group.Wait()
	wantCount(t, db, 10)
}

func endedContext(t *testing.T, db database.DB) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	called := func(database.Conn) error {
		t.Error("the function was called")
		return nil
	}
	wantError(t, db.Update(ctx, called), context.Canceled)
	wantError(t, db.View(ctx, called), context.Canceled)
}

func compareAndSet(t *testing.T, db database.DB) {
	mustUpdate(t, db, insertItem, "a", 0)
	const rounds, goroutines = 10, 8
	for round := range rounds {
		var wins [goroutines]int64
		var group sync.WaitGroup
		for i := range goroutines {
			group.Go(func() {
				err := db.Update(t.Context(), func(c database.Conn) error {
					changed, err := c.Exec("UPDATE items SET number = $1 WHERE id = $2 AND number = $3", round+1, "a", round)
					wins[i] = changed
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		var total int64
		for _, n := range wins {
			total += n
		}
		if total != 1 {
			t.Fatalf("round %d had %d winners, want 1", round, total)
		}
	}
}

func manyGoroutines(t *testing.T, db database.DB) {
	const goroutines, each = 32, 10
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for j := range each {
				mustUpdate(t, db, insertItem, fmt.Sprintf("%d-%d", i, j), j)
			}
		})
	}
	group.Wait()
	wantCount(t, db, goroutines*each)
}

func stats(t *testing.T, db database.DB) {
	before := db.Stats()
	mustUpdate(t, db, insertItem, "a", 1)
	mustUpdate(t, db, insertItem, "b", 1)
	db.Update(t.Context(), func(database.Conn) error { return errTest })
	after := db.Stats()
	if after.Transactions-before.Transactions != 2 || after.Commits-before.Commits != 2 {
		t.Errorf("before %+v, after %+v; want two more of each", before, after)
	}
}
