package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/databasetest"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

func open(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func update(db database.DB, query string, args ...any) error {
	return db.Update(context.Background(), func(c database.Conn) error {
		_, err := c.Exec(query, args...)
		return err
	})
}

func mustUpdate(t testing.TB, db database.DB, query string, args ...any) {
	t.Helper()
	if err := update(db, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t testing.TB, db database.DB) int64 {
	t.Helper()
	var n int64
	err := db.View(t.Context(), func(c database.Conn) error {
		_, err := database.First(c, "SELECT COUNT(*) FROM items", nil, &n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const createItems = "CREATE TABLE items (id TEXT PRIMARY KEY)"

func TestAFileKeepsTheContract(t *testing.T) {
	databasetest.Run(t, func(t *testing.T) database.DB {
		return open(t, filepath.Join(t.TempDir(), "runhook.db"))
	})
}

func TestADatabaseInMemoryKeepsTheContract(t *testing.T) {
	databasetest.Run(t, func(t *testing.T) database.DB { return open(t, sqlite.Memory) })
}

func TestWhatWasWrittenIsThereAfterOpeningAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runhook.db")
	db := open(t, path)
	mustUpdate(t, db, createItems)
	mustUpdate(t, db, "INSERT INTO items (id) VALUES ('a')")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the write-ahead log is still there: %v", err)
	}
	if n := count(t, open(t, path)); n != 1 {
		t.Errorf("there are %d rows, want 1", n)
	}
}

func TestASecondOpenIsRefusedUntilTheFirstCloses(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "runhook.db")
	first := open(t, path)
	mustUpdate(t, first, createItems)
	link := filepath.Join(folder, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		_, err := sqlite.Open(t.Context(), name, sqlite.Options{})
		if !errors.Is(err, database.ErrInUse) {
			t.Fatalf("opening %s gave %v, want ErrInUse", name, err)
		}
		if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "stop that process") {
			t.Errorf("the error does not say which file or what to do: %v", err)
		}
	}
	mustUpdate(t, first, "INSERT INTO items (id) VALUES ('a')")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, open(t, link)); n != 1 {
		t.Errorf("there are %d rows, want 1", n)
	}
}

func TestFileAndFolderAreForTheirOwnerOnly(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "folder")
	path := filepath.Join(folder, "runhook.db")
	mustUpdate(t, open(t, path), createItems)
	for name, want := range map[string]fs.FileMode{
		folder: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestADatabaseInMemoryLeavesNoFiles(t *testing.T) {
	db := open(t, sqlite.Memory)
	mustUpdate(t, db, createItems)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(db.Path())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder is still there: %v", err)
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runhook.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is a letter, not a database. ", 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v, want an error that names the file", err)
	}
	// The failed attempt holds no lock.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestEveryCommitIsSynced(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "runhook.db"))
	want := map[string]int64{"synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
	err := db.Update(t.Context(), func(c database.Conn) error {
		for name, value := range want {
			var got int64
			if _, err := database.First(c, "PRAGMA "+name, nil, &got); err != nil {
				return err
			}
			if got != value {
				t.Errorf("%s is %d, want %d", name, got, value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTransactionsThatWaitShareACommit(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "runhook.db"))
	mustUpdate(t, db, createItems)
	before := db.Stats()
	const waiting = 100
	begun, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := db.Update(t.Context(), func(c database.Conn) error {
			close(begun)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	for i := range waiting {
		group.Go(func() {
			if err := update(db, "INSERT INTO items (id) VALUES ($1)", fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	for db.Waiting() < waiting {
		runtime.Gosched()
	}
	close(release)
	group.Wait()
	after := db.Stats()
	if n := after.Transactions - before.Transactions; n != waiting+1 {
		t.Errorf("%d transactions, want %d", n, waiting+1)
	}
	if n := after.Commits - before.Commits; n > waiting/2 {
		t.Errorf("%d commits for %d transactions that waited together", n, waiting)
	}
	if n := count(t, db); n != waiting {
		t.Errorf("there are %d rows, want %d", n, waiting)
	}
}

func TestACallerMayLeaveWhileItsTurnHasNotCome(t *testing.T) {
	db := open(t, sqlite.Memory)
	mustUpdate(t, db, createItems)
	begun, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		err := db.Update(ctx, func(c database.Conn) error {
			close(begun)
			<-release
			_, err := c.Exec("INSERT INTO items (id) VALUES ('began')")
			return err
		})
		// It had begun, so its outcome is returned although its context has ended.
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	left := make(chan error)
	go func() {
		left <- db.Update(ctx, func(c database.Conn) error {
			_, err := c.Exec("INSERT INTO items (id) VALUES ('left')")
			return err
		})
	}()
	for db.Waiting() < 1 {
		runtime.Gosched()
	}
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(release)
	group.Wait()
	mustUpdate(t, db, "INSERT INTO items (id) VALUES ('after')")
	if n := count(t, db); n != 2 {
		t.Errorf("there are %d rows, want 2", n)
	}
}

func TestWritesGoOnOnceAFullDatabaseHasRoom(t *testing.T) {
	db := open(t, sqlite.Memory)
	mustUpdate(t, db, createItems)
	if err := setPageLimit(db, 20); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 200_000)
	if err := update(db, "INSERT INTO items (id) VALUES ($1)", big); !errors.Is(err, database.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	if err := setPageLimit(db, 1000); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, db, "INSERT INTO items (id) VALUES ($1)", big)
	if n := count(t, db); n != 1 {
		t.Errorf("there are %d rows, want 1", n)
	}
}

func setPageLimit(db database.DB, pages int) error {
	return db.Update(context.Background(), func(c database.Conn) error {
		_, err := database.First(c, fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil, new(int64))
		return err
	})
}

func TestATransactionThatEndsItselfFailsItsGroupAndNothingElse(t *testing.T) {
	db := open(t, sqlite.Memory)
	mustUpdate(t, db, createItems)
	begun, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := db.Update(t.Context(), func(c database.Conn) error {
			close(begun)
			<-release
			_, err := c.Exec("ROLLBACK")
			return err
		})
		if !errors.Is(err, database.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	})
	<-begun
	const waiting = 10
	for i := range waiting {
		group.Go(func() {
			if err := update(db, "INSERT INTO items (id) VALUES ($1)", fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	for db.Waiting() < waiting {
		runtime.Gosched()
	}
	close(release)
	group.Wait()
	if n := count(t, db); n != waiting {
		t.Errorf("there are %d rows, want %d", n, waiting)
	}
}
