package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// asProgram makes the test's own binary the program, so that tests can start and
// kill it without building another.
const asProgram = "RUNHOOK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program starts the program as a process of its own.
func program(t *testing.T, variables []string, arguments ...string) *harness.Process {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return harness.StartProcess(t, append(variables, asProgram+"=1"), binary, arguments...)
}

// invoked runs the program in the test's process and returns what it wrote and
// its exit status.
func invoked(t *testing.T, arguments ...string) (out, problems string, status int) {
	t.Helper()
	return invokedWith(t, "", arguments...)
}

// invokedWith does the same with something to read on standard input.
func invokedWith(t *testing.T, input string, arguments ...string) (out, problems string, status int) {
	t.Helper()
	var written, reported bytes.Buffer
	status = run(t.Context(), arguments, streams{strings.NewReader(input), &written, &reported})
	return written.String(), reported.String(), status
}

const developmentKey = "tr_dev_crash0123456789abcdefghij"

// serving starts a server as a process of its own, on a port of its own, and
// waits until it serves.
func serving(t *testing.T, database string, arguments ...string) (*harness.Process, *harness.Server) {
	t.Helper()
	process := program(t, nil, append([]string{"serve", "--addr", "127.0.0.1:0", "--db", database, "--log-format", "json", "--dev-api-key", developmentKey}, arguments...)...)
	return process, harness.Attach(t, process.ServerURL(), developmentKey)
}

// onEachDatabase runs a test on a SQLite file and on PostgreSQL.
func onEachDatabase(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("on SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(t.TempDir(), "runhook.db"))
	})
	t.Run("on PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, testpostgres.URL(t))
	})
}
