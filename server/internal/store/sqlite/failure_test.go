//go:build linux

package sqlite_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// pathVariable names for the child process of the test below which file to use.
const pathVariable = "RUNHOOK_TEST_SQLITE_PATH"

// The operating system is made to refuse writes beyond a size, which it does for
// a whole process: so the test runs itself again as a child.
func TestAfterAFailedCommitWritesAreRefusedUntilTheNextStart(t *testing.T) {
	if path := os.Getenv(pathVariable); path != "" {
		failCommit(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "runhook.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	child.Env = append(os.Environ(), pathVariable+"="+path)
	if output, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	db := open(t, path)
	mustUpdate(t, db, "INSERT INTO items (id) VALUES ('next start')")
	if n := count(t, db); n != 2 && n != 3 {
		t.Errorf("there are %d rows, want 2, or 3 if the failed commit was kept", n)
	}
}

func failCommit(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, db, createItems)
	mustUpdate(t, db, "INSERT INTO items (id) VALUES ('before')")
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: uint64(info.Size()), Max: uint64(info.Size())}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	err = update(db, "INSERT INTO items (id) VALUES ($1)", strings.Repeat("x", 100_000))
	if err == nil || !strings.Contains(err.Error(), "not known") {
		t.Fatalf("got %v, want an error that says the outcome is not known", err)
	}
	if errors.Is(err, database.ErrFull) || errors.Is(err, database.ErrConflict) {
		t.Errorf("the error claims to know: %v", err)
	}
	<-db.Failed()
	if err := update(db, "INSERT INTO items (id) VALUES ('after')"); err == nil {
		t.Error("a write was taken after a failed commit")
	}
	if err := db.Ping(t.Context()); err == nil {
		t.Error("Ping says that all is well")
	}
	// The process ends here as it would in production: without Close.
}
