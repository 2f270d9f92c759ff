package testpostgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Copy is [URL] for a database that begins with what fill has put into another,
// which is called name and kept by the server: fill runs once for all processes that
// test with that server. The name must therefore change with what fill does.
func Copy(t testing.TB, name string, fill func(url string) error) string {
	t.Helper()
	serverURL, err := sharedServer()
	if err != nil {
		t.Fatalf("a PostgreSQL database for this test: %v", err)
	}
	server := serverURL()
	made, _ := templates.LoadOrStore(name, sync.OnceValue(func() error { return makeTemplate(server, name, fill) }))
	if err := made.(func() error)(); err != nil {
		t.Fatalf("the PostgreSQL database that tests begin with: %v", err)
	}
	return create(t, server, name)
}

// templates are the functions that make the databases of [Copy], by name.
var templates sync.Map

// makeTemplate makes a database that can only be copied, unless there is one of the
// name. It is filled under another name, so that one with the name is whole.
func makeTemplate(server, name string, fill func(url string) error) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connecting to the server for tests (%s can name another): %w", Variable, err)
	}
	defer func() { _ = connection.Close(ctx) }() // and so lets go of the lock
	if _, err := connection.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", name); err != nil {
		return err
	}
	var exists bool
	if err := connection.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil || exists {
		return err
	}
	draft := "draft_" + strings.ToLower(rand.Text())
	if _, err := connection.Exec(ctx, "CREATE DATABASE "+draft+" TEMPLATE template0"); err != nil {
		return err
	}
	url, err := withDatabase(server, draft)
	if err == nil {
		err = fill(url)
	}
	if err != nil {
		_, _ = connection.Exec(ctx, "DROP DATABASE "+draft+" WITH (FORCE)")
		return err
	}
	for _, statement := range []string{
		"ALTER DATABASE " + draft + " ALLOW_CONNECTIONS false",
		"ALTER DATABASE " + draft + " RENAME TO " + name,
	} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
