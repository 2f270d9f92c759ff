package databasetest

import (
	"context"
	"errors"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

func errorIs(err, target error) bool { return errors.Is(err, target) }

func ping(t *testing.T, db database.DB) {
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-db.Failed():
		t.Error("a working database says that it has failed")
	default:
	}
}

func closedDatabase(t *testing.T, db database.DB) {
	listening := make(chan error, 1)
	go func() { listening <- db.Listen(context.Background(), func(string) {}) }()
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, <-listening, database.ErrClosed)
	called := func(database.Conn) error {
		t.Error("the function was called")
		return nil
	}
	wantError(t, db.Update(t.Context(), called), database.ErrClosed)
	wantError(t, db.View(t.Context(), called), database.ErrClosed)
	wantError(t, db.Ping(t.Context()), database.ErrClosed)
	wantError(t, db.Listen(t.Context(), func(string) {}), database.ErrClosed)
	_, err := db.OpenSQL(t.Context())
	wantError(t, err, database.ErrClosed)
}

func closeWaits(t *testing.T, db database.DB) {
	begun, finish, closed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	updated := make(chan error, 1)
	go func() {
		updated <- db.Update(context.Background(), func(c database.Conn) error {
			close(begun)
			<-finish
			_, err := c.Exec(insertItem, "a", 1)
			return err
		})
	}()
	<-begun
	go func() { closed <- db.Close() }()
	// Once Update is refused, Close is on its way.
	for !errors.Is(db.View(t.Context(), func(database.Conn) error { return nil }), database.ErrClosed) {
	}
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	close(finish)
	if err := <-updated; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
