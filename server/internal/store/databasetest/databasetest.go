// Package databasetest holds what every database.DB must do. An engine's tests
// call [Run] with a function that opens a new, empty database.
package databasetest

import (
	"context"
	"errors"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

// Run tests an engine. open returns a new database without tables, which Run
// closes.
func Run(t *testing.T, open func(t *testing.T) database.DB) {
	tests := []struct {
		name string
		test func(t *testing.T, db database.DB)
	}{
		{"a transaction that returns nil is kept", keptAfterUpdate},
		{"a transaction that returns an error leaves nothing", nothingAfterError},
		{"a statement that fails fails the transaction though its error is ignored", ignoredFailure},
		{"a statement cannot begin while rows are open", statementWhileRowsAreOpen},
		{"rows left open are closed with the transaction", rowsLeftOpen},
		{"a failed transaction of a group leaves the others", failureAmongOthers},
		{"a transaction sees what it wrote itself", ownWrites},
		{"a panic undoes the transaction and reaches the caller", panicInUpdate},
		{"a goroutine that ends in a transaction undoes it", goexitInUpdate},
		{"a panic in a view reaches the caller", panicInView},
		{"a context that has ended keeps a transaction from beginning", endedContext},
		{"a view sees one moment", viewSeesOneMoment},
		{"a view cannot write", viewCannotWrite},
		{"a view gives back the function's error", viewError},
		{"a view stops when its context ends", viewContext},
		{"functions given to AfterCommit run in order after the commit", afterCommitOrder},
		{"functions given to AfterCommit do not run after a failure", afterCommitFailure},
		{"AfterCommit in a view panics", afterCommitInView},
		{"a message that is empty or too long is refused", messageLimits},
		{"of goroutines that compare and set one row one wins each round", compareAndSet},
		{"many goroutines lose nothing", manyGoroutines},
		{"queued statements run in order", queueOrder},
		{"a queued check sees the number of changed rows", queueCheck},
		{"a failed check undoes the transaction", queueCheckFailure},
		{"a queued statement that fails undoes the transaction", queueStatementFailure},
		{"a query sees what was queued before it", queueThenQuery},
		{"a broken rule is distinguished from a conflict", constraintErrors},
		{"values come back as they went in", values},
		{"arguments of every supported type are taken", argumentTypes},
		{"text keeps every byte", textBytes},
		{"text that is not UTF-8, and U+0000, is replaced", replacedText},
		{"a value of another type is refused", typeMismatch},
		{"the wrong number of arguments is refused", argumentCount},
		{"two statements in one text are refused", twoStatements},
		{"RETURNING gives the changed rows", returning},
		{"INSERT ON CONFLICT DO NOTHING returns nothing for what is there", onConflict},
		{"a common table expression is read", commonTableExpression},
		{"InList matches the members of a list", inList},
		{"a parameter may be used twice and out of order", repeatedParameter},
		{"Ping succeeds while the database is open", ping},
		{"Stats count transactions", stats},
		{"after Close everything gives ErrClosed", closedDatabase},
		{"Close waits for transactions under way", closeWaits},
		{"OpenSQL changes the schema", openSQL},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db := open(t)
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			mustUpdate(t, db, "CREATE TABLE items (id TEXT PRIMARY KEY, number BIGINT NOT NULL CHECK (number >= 0))")
			test.test(t, db)
		})
	}
}

var errTest = errors.New("the test's own error")

const insertItem = "INSERT INTO items (id, number) VALUES ($1, $2)"

// mustUpdate runs one statement in a transaction of its own.
func mustUpdate(t testing.TB, db database.DB, query string, args ...any) {
	t.Helper()
	err := db.Update(context.Background(), func(c database.Conn) error {
		_, err := c.Exec(query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// number returns the one integer a query gives.
func number(t testing.TB, db database.DB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	err := db.View(context.Background(), func(c database.Conn) error {
		found, err := database.First(c, query, args, &n)
		if err == nil && !found {
			err = errors.New("no row")
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func count(t testing.TB, db database.DB) int64 {
	t.Helper()
	return number(t, db, "SELECT COUNT(*) FROM items")
}

func wantCount(t testing.TB, db database.DB, want int64) {
	t.Helper()
	if got := count(t, db); got != want {
		t.Errorf("there are %d rows, want %d", got, want)
	}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}
