package databasetest

import (
	"context"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

func viewSeesOneMoment(t *testing.T, db database.DB) {
	mustUpdate(t, db, insertItem, "a", 1)
	err := db.View(t.Context(), func(c database.Conn) error {
		var before, after int64
		if _, err := database.First(c, "SELECT COUNT(*) FROM items", nil, &before); err != nil {
			return err
		}
		mustUpdate(t, db, insertItem, "b", 1)
		if _, err := database.First(c, "SELECT COUNT(*) FROM items", nil, &after); err != nil {
			return err
		}
		if before != 1 || after != 1 {
			t.Errorf("the view saw %d rows, then %d; want 1 and 1", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCount(t, db, 2)
}

func viewCannotWrite(t *testing.T, db database.DB) {
	err := db.View(t.Context(), func(c database.Conn) error {
		_, err := c.Exec(insertItem, "a", 1)
		return err
	})
	if err == nil {
		t.Error("a view wrote")
	}
	wantCount(t, db, 0)
}

func viewError(t *testing.T, db database.DB) {
	wantError(t, db.View(t.Context(), func(database.Conn) error { return errTest }), errTest)
	wantError(t, db.View(t.Context(), func(c database.Conn) error {
		if _, err := database.First(c, "SELECT COUNT(*) FROM items", nil, new(int64)); err != nil {
			return err
		}
		return errTest
	}), errTest)
}

func panicInView(t *testing.T, db database.DB) {
	value := recovered(func() {
		db.View(t.Context(), func(c database.Conn) error {
			c.Query("SELECT id FROM items")
			panic(errTest)
		})
	})
	if value != errTest {
		t.Errorf("recovered %v, want %v", value, errTest)
	}
	wantCount(t, db, 0)
}

func viewContext(t *testing.T, db database.DB) {
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.View(ctx, func(c database.Conn) error {
			rows, err := c.Query("SELECT id FROM items")
			if err != nil {
				return err
			}
			rows.Close()
			cancel()
			_, err = c.Query("SELECT id FROM items")
			return err
		})
		wantError(t, err, context.Canceled)
		wantCount(t, db, 0)
	}
	// A statement under way is stopped too. This one would not end by itself.
	ctx, cancel := context.WithCancel(t.Context())
	err := db.View(ctx, func(c database.Conn) error {
		rows, err := c.Query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 - i FROM n) SELECT i FROM n")
		if err != nil {
			return err
		}
		defer rows.Close()
		cancel()
		for rows.Next() {
		}
		return rows.Err()
	})
	wantError(t, err, context.Canceled)
	wantCount(t, db, 0)
}

func afterCommitOrder(t *testing.T, db database.DB) {
	var order []string
	err := db.Update(t.Context(), func(c database.Conn) error {
		c.AfterCommit(func() {
			wantCount(t, db, 1)
			order = append(order, "first")
		})
		c.AfterCommit(func() { order = append(order, "second") })
		_, err := c.Exec(insertItem, "a", 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(order) != 2 || order[0] != "first" || order[1] != "second" {
		t.Errorf("called: %v", order)
	}
}

func afterCommitFailure(t *testing.T, db database.DB) {
	call := func() { t.Error("called after a failure") }
	wantError(t, db.Update(t.Context(), func(c database.Conn) error {
		c.AfterCommit(call)
		return errTest
	}), errTest)
	wantPanic(t, recovered(func() {
		db.Update(t.Context(), func(c database.Conn) error {
			c.AfterCommit(call)
			panic(errTest)
		})
	}))
}

func afterCommitInView(t *testing.T, db database.DB) {
	value := recovered(func() {
		db.View(t.Context(), func(c database.Conn) error {
			c.AfterCommit(func() {})
			return nil
		})
	})
	if value == nil {
		t.Error("it did not panic")
	}
}
