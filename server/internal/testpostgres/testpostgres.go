// Package testpostgres gives tests a real PostgreSQL.
//
// [URL] is what most tests want: a new, empty database, dropped when the test
// ends. Its server is the one that the variable RUNHOOK_TEST_POSTGRES names, or
// else one that the first call starts from the installed programs and that ends
// with the test process, however that process ends. [Start] gives a server of
// the test's own, to stop, kill and start again.
//
// No test is skipped for want of PostgreSQL: it fails and says what to do.
//
// A server started here listens only on a Unix socket in a folder of its own
// that other users cannot enter. It does not sync to disk, so it survives the
// death of its processes but not that of the machine. Text sorts by the rules
// of English, not by byte, as on most servers in production, so that a column
// which needs byte order must say so. Not for use inside a testing/synctest
// bubble.
package testpostgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable is the environment variable that holds the URL of the server to use.
// Its user must be allowed to create databases.
const Variable = "RUNHOOK_TEST_POSTGRES"

// patience bounds each step against a server. It is generous, as it only serves
// to turn a hang into an error.
const patience = 2 * time.Minute

// URL creates an empty database and returns its URL. The database is dropped,
// with whatever is still connected to it, after the test's later cleanups. URL
// fails the test when there is no server. It may be called by parallel tests.
func URL(t testing.TB) string {
	t.Helper()
	return URLWith(t, "")
}

// URLWith is URL for a database that is made with options of CREATE DATABASE, such
// as an encoding.
func URLWith(t testing.TB, options string) string {
	t.Helper()
	serverURL, err := sharedServer()
	if err != nil {
		t.Fatalf("a PostgreSQL database for this test: %v", err)
	}
	server := serverURL()
	// template0 because nobody can be connected to it, which would make
	// the server refuse to copy it.
	return create(t, server, "template0 "+options)
}

// create creates a database from a template, with options of CREATE DATABASE, and
// drops it after the test.
func create(t testing.TB, server, template string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("a PostgreSQL database for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	database, err := withDatabase(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return database
}

// sharedServer returns the URL of the server that all tests of this process use,
// as a function: it holds on to a server started here, whose guard would act if
// the server were collected as garbage. Nothing signals that the last test has
// run, so no test closes that server. Its guard does, when the process is gone.
var sharedServer = sync.OnceValues(func() (url func() string, err error) {
	if server := os.Getenv(Variable); server != "" {
		return func() string { return server }, nil
	}
	server, err := Open(context.Background())
	if err != nil {
		return nil, err
	}
	return server.URL, nil
})

func execute(server, statement string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connecting to the server for tests (%s can name another): %w", Variable, err)
	}
	defer func() { _ = connection.Close(ctx) }()
	if _, err := connection.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func withDatabase(server, name string) (string, error) {
	parsed, err := url.Parse(server)
	if err != nil || !strings.HasPrefix(parsed.Scheme, "postgres") {
		return "", fmt.Errorf("%s does not hold a postgres:// URL", Variable)
	}
	parsed.Path = "/" + name
	return parsed.String(), nil
}
