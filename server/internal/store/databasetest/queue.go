package databasetest

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

func queueOrder(t *testing.T, db database.DB) {
	err := db.Update(t.Context(), func(c database.Conn) error {
		c.Queue(insertItem, []any{"a", 1}, nil)
		c.Queue("UPDATE items SET number = number * 10 WHERE id = $1", []any{"a"}, nil)
		return c.Queue("UPDATE items SET number = number + 1 WHERE id = $1", []any{"a"}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, "SELECT number FROM items"); n != 11 {
		t.Errorf("the number is %d, want 11", n)
	}
}

func queueCheck(t *testing.T, db database.DB) {
	mustUpdate(t, db, insertItem, "a", 1)
	mustUpdate(t, db, insertItem, "b", 1)
	var changed []int64
	note := func(n int64) error {
		changed = append(changed, n)
		return nil
	}
	err := db.Update(t.Context(), func(c database.Conn) error {
		changed = nil
		c.Queue("UPDATE items SET number = 2", nil, note)
		c.Queue("UPDATE items SET number = 3 WHERE id = $1", []any{"missing"}, note)
		return c.Queue("DELETE FROM items WHERE id = $1", []any{"b"}, note)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(changed) != 3 || changed[0] != 2 || changed[1] != 0 || changed[2] != 1 {
		t.Errorf("the checks saw %v, want [2 0 1]", changed)
	}
}

func queueCheckFailure(t *testing.T, db database.DB) {
	refuse := func(int64) error { return errTest }
	accept := func(int64) error { return nil }
	err := db.Update(t.Context(), func(c database.Conn) error {
		c.Queue(insertItem, []any{"a", 1}, refuse)
		c.Queue(insertItem, []any{"b", 1}, accept)
		return nil
	})
	wantError(t, err, errTest)
	err = db.Update(t.Context(), func(c database.Conn) error {
		c.Queue(insertItem, []any{"a", 1}, refuse)
		_, err := database.First(c, "SELECT COUNT(*) FROM items", nil, new(int64))
		wantError(t, err, errTest)
		return nil
	})
	wantError(t, err, errTest)
	wantCount(t, db, 0)
}

func queueStatementFailure(t *testing.T, db database.DB) {
	mustUpdate(t, db, insertItem, "a", 1)
	for _, position := range []string{"first", "last"} {
		err := db.Update(t.Context(), func(c database.Conn) error {
			if position == "last" {
				c.Queue(insertItem, []any{"b", 1}, nil)
			}
			c.Queue(insertItem, []any{"a", 1}, nil)
			c.Queue(insertItem, []any{"c", 1}, nil)
			return nil
		})
		wantError(t, err, database.ErrConflict)
	}
	wantCount(t, db, 1)
}

func queueThenQuery(t *testing.T, db database.DB) {
	err := db.Update(t.Context(), func(c database.Conn) error {
		c.Queue(insertItem, []any{"a", 5}, nil)
		var n int64
		found, err := database.First(c, "SELECT number FROM items WHERE id = $1", []any{"a"}, &n)
		if !found || n != 5 {
			t.Errorf("found %t, number %d; want true, 5", found, n)
		}
		if err != nil {
			return err
		}
		return c.Queue("UPDATE items SET number = 6 WHERE id = $1", []any{"a"}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, "SELECT number FROM items"); n != 6 {
		t.Errorf("the number is %d, want 6", n)
	}
}

func messageLimits(t *testing.T, db database.DB) {
	for _, message := range []string{"", strings.Repeat("m", database.MaximumMessage+1)} {
		err := db.Update(t.Context(), func(c database.Conn) error {
			c.Notify(message)
			return nil
		})
		if err == nil {
			t.Errorf("a message of %d bytes was taken", len(message))
		}
	}
	err := db.Update(t.Context(), func(c database.Conn) error {
		return c.Notify(strings.Repeat("m", database.MaximumMessage))
	})
	if err != nil {
		t.Error(err)
	}
}
