package databasetest

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

// texts returns the strings that a query in an Update gives, sorted.
func texts(t *testing.T, db database.DB, query func(database.Dialect) string, args ...any) []string {
	t.Helper()
	var all []string
	err := db.Update(t.Context(), func(c database.Conn) error {
		all = nil
		rows, err := c.Query(query(c.Dialect()), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			all = append(all, text)
		}
		return rows.Err()
	})
	if err != nil {
		t.Errorf("%s: %v", query(db.Dialect()), err)
	}
	slices.Sort(all)
	return all
}

func plain(query string) func(database.Dialect) string {
	return func(database.Dialect) string { return query }
}

func wantTexts(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func insertItems(t *testing.T, db database.DB, ids ...string) {
	t.Helper()
	for i, id := range ids {
		mustUpdate(t, db, insertItem, id, i)
	}
}

func constraintErrors(t *testing.T, db database.DB) {
	mustUpdate(t, db, "CREATE TABLE parts (item TEXT NOT NULL REFERENCES items (id), name TEXT NOT NULL, UNIQUE (item, name))")
	mustUpdate(t, db, insertItem, "a", 1)
	mustUpdate(t, db, "INSERT INTO parts (item, name) VALUES ('a', 'x')")
	tests := []struct {
		name, query string
		want, other error
	}{
		{"primary key", "INSERT INTO items (id, number) VALUES ('a', 2)", database.ErrConflict, database.ErrConstraint},
		{"unique", "INSERT INTO parts (item, name) VALUES ('a', 'x')", database.ErrConflict, database.ErrConstraint},
		{"check", "INSERT INTO items (id, number) VALUES ('b', -1)", database.ErrConstraint, database.ErrConflict},
		{"not null", "INSERT INTO items (id, number) VALUES ('b', NULL)", database.ErrConstraint, database.ErrConflict},
		{"reference", "INSERT INTO parts (item, name) VALUES ('missing', 'x')", database.ErrConstraint, database.ErrConflict},
	}
	for _, test := range tests {
		run := func(run func(c database.Conn) error) {
			err := db.Update(t.Context(), run)
			wantError(t, err, test.want)
			if err != nil && (errorIs(err, test.other) || errorIs(err, database.ErrUnavailable)) {
				t.Errorf("%s: %v is also something else", test.name, err)
			}
		}
		run(func(c database.Conn) error {
			_, err := c.Exec(test.query)
			return err
		})
		run(func(c database.Conn) error {
			_, err := database.First(c, test.query+" RETURNING 1", nil, new(int64))
			return err
		})
		run(func(c database.Conn) error { return c.Queue(test.query, nil, nil) })
	}
}

func argumentCount(t *testing.T, db database.DB) {
	for _, args := range [][]any{{"a"}, {"a", 1, 2}} {
		err := db.Update(t.Context(), func(c database.Conn) error {
			_, err := c.Exec(insertItem, args...)
			return err
		})
		if err == nil {
			t.Errorf("%d arguments were taken for 2 parameters", len(args))
		}
	}
	wantCount(t, db, 0)
}

func twoStatements(t *testing.T, db database.DB) {
	err := db.Update(t.Context(), func(c database.Conn) error {
		_, err := c.Exec("DELETE FROM items; DROP TABLE items")
		return err
	})
	if err == nil {
		t.Error("it ran")
	}
	wantCount(t, db, 0)
}

func returning(t *testing.T, db database.DB) {
	insertItems(t, db, "a", "b", "c")
	got := texts(t, db, plain("UPDATE items SET number = 9 WHERE number >= $1 RETURNING id"), 1)
	wantTexts(t, got, "b", "c")
	if n := number(t, db, "SELECT COUNT(*) FROM items WHERE number = 9"); n != 2 {
		t.Errorf("%d rows were changed, want 2", n)
	}
	// The change is whole even if only the first row is read.
	err := db.Update(t.Context(), func(c database.Conn) error {
		_, err := database.First(c, "DELETE FROM items RETURNING id", nil, new(string))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCount(t, db, 0)
}

func onConflict(t *testing.T, db database.DB) {
	insertItems(t, db, "a")
	const query = "INSERT INTO items (id, number) VALUES ($1, 0), ($2, 0) ON CONFLICT (id) DO NOTHING RETURNING id"
	wantTexts(t, texts(t, db, plain(query), "a", "b"), "b")
	wantTexts(t, texts(t, db, plain(query), "a", "b"))
	err := db.Update(t.Context(), func(c database.Conn) error {
		changed, err := c.Exec(insertItem+" ON CONFLICT (id) DO UPDATE SET number = excluded.number", "a", 8)
		if changed != 1 {
			t.Errorf("%d rows changed, want 1", changed)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := number(t, db, "SELECT number FROM items WHERE id = 'a'"); n != 8 {
		t.Errorf("the number is %d, want 8", n)
	}
}

func commonTableExpression(t *testing.T, db database.DB) {
	insertItems(t, db, "a", "b", "c")
	got := texts(t, db, func(d database.Dialect) string {
		return "WITH due AS (SELECT id FROM items WHERE number < $1 ORDER BY number LIMIT 2" + d.SkipLocked + ")" +
			" UPDATE items SET number = 9 WHERE id IN (SELECT id FROM due) RETURNING id"
	}, 9)
	wantTexts(t, got, "a", "b")
	got = texts(t, db, func(d database.Dialect) string {
		return "SELECT id FROM items WHERE number < $1" + d.ForUpdate
	}, 9)
	wantTexts(t, got, "c")
}

func inList(t *testing.T, db database.DB) {
	insertItems(t, db, "a", "it's \"x\"", "ü")
	query := func(d database.Dialect) string { return "SELECT id FROM items WHERE id " + d.InList("$1") }
	wantTexts(t, texts(t, db, query, `["a", "ü", "missing"]`), "a", "ü")
	wantTexts(t, texts(t, db, query, `["it's \"x\""]`), "it's \"x\"")
	wantTexts(t, texts(t, db, query, `[]`))
}

func repeatedParameter(t *testing.T, db database.DB) {
	mustUpdate(t, db, "INSERT INTO items (number, id) VALUES ($2, $1)", "a", 3)
	got := number(t, db, "SELECT number FROM items WHERE number = $2 AND id = $1 AND $2 < number + 1", "a", int64(3))
	if got != 3 {
		t.Errorf("got %d, want 3", got)
	}
}

func openSQL(t *testing.T, db database.DB) {
	handle, err := db.OpenSQL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	if _, err := handle.Exec("ALTER TABLE items ADD COLUMN note TEXT"); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, db, "INSERT INTO items (id, number, note) VALUES ('a', 1, 'kept')")
	var note sql.NullString
	if err := handle.QueryRow("SELECT note FROM items").Scan(&note); err != nil || note.String != "kept" {
		t.Errorf("got %+v, %v", note, err)
	}
	if err := handle.Close(); err != nil {
		t.Fatal(err)
	}
	// A statement prepared before the change still gives what it names.
	for i := range 2 {
		mustUpdate(t, db, insertItem, fmt.Sprint(i), i)
	}
	wantCount(t, db, 3)
}
