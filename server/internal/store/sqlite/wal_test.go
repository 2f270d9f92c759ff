package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// crashedWith returns a copy of a database as a crash leaves it: with ten transactions
// in its write-ahead log.
func crashedWith(t *testing.T, change func(log []byte) []byte) string {
	t.Helper()
	from, to := filepath.Join(t.TempDir(), "runhook.db"), filepath.Join(t.TempDir(), "runhook.db")
	db := open(t, from)
	mustUpdate(t, db, createItems)
	for i := range 10 {
		mustUpdate(t, db, "INSERT INTO items (id) VALUES ($1)", fmt.Sprint("item ", i))
	}
	// A copy by another process, as this one has locks on the file.
	for _, suffix := range []string{"", "-wal"} {
		content := readElsewhere(t, from+suffix)
		if suffix == "-wal" {
			content = change(content)
		}
		if err := os.WriteFile(to+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestALogThatIsDamagedInTheMiddleIsRefusedAndATornTailIsNot(t *testing.T) {
	t.Parallel()
	const frame = 24 + 4096
	for name, test := range map[string]struct {
		change  func(log []byte) []byte
		damaged bool
	}{
		"whole":                          {func(log []byte) []byte { return log }, false},
		"a page in the middle":           {func(log []byte) []byte { log[32+frame*4+1000] ^= 1; return log }, true},
		"the first page":                 {func(log []byte) []byte { log[32+100] ^= 1; return log }, true},
		"a checksum in the middle":       {func(log []byte) []byte { log[32+frame*4+17] ^= 1; return log }, true},
		"the salt of a frame":            {func(log []byte) []byte { log[32+frame*4+9] ^= 1; return log }, true},
		"a frame of zeros in the middle": {func(log []byte) []byte { clear(log[32+frame*4 : 32+frame*5]); return log }, true},
		"the header's checksum":          {func(log []byte) []byte { log[25] ^= 1; return log }, true},
		"the last frame":                 {func(log []byte) []byte { log[len(log)-10] ^= 1; return log }, false},
		"a torn last frame":              {func(log []byte) []byte { return log[:len(log)-1000] }, false},
		"an end that was never written":  {func(log []byte) []byte { clear(log[len(log)-2*frame:]); return log }, false},
		"frames of the log before it":    {func(log []byte) []byte { return append(log, otherLog(log)...) }, false},
		"no more than a part of a frame": {func(log []byte) []byte { return log[:40] }, false},
		"empty":                          {func([]byte) []byte { return nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := crashedWith(t, test.change)
			before := readElsewhere(t, path+"-wal")
			db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if !test.damaged {
				if err != nil {
					t.Fatal(err)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, database.ErrDamaged) || !strings.Contains(err.Error(), "runhook restore") {
				t.Fatalf("got %v, want that it is damaged and what to do", err)
			}
			if string(readElsewhere(t, path+"-wal")) != string(before) {
				t.Error("the log was changed")
			}
		})
	}
}

// readElsewhere reads a file by another process: to close a live database file would
// drop the locks of this one.
func readElsewhere(t *testing.T, path string) []byte {
	t.Helper()
	content, err := exec.CommandContext(t.Context(), "cat", path).Output()
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return content
}

// otherLog returns frames as a log has them behind its end: those of another one.
func otherLog(log []byte) []byte {
	frames := append([]byte(nil), log[32:]...)
	for at := 0; at < len(frames); at += 24 + 4096 {
		frames[at+8] ^= 1
	}
	return frames
}

func TestADatabaseFileThatIsDamagedIsFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runhook.db")
	db := open(t, path)
	mustUpdate(t, db, createItems)
	for i := range 2000 {
		mustUpdate(t, db, "INSERT INTO items (id) VALUES ($1)", fmt.Sprint("item ", i, strings.Repeat("x", 100)))
	}
	if err := db.Check(t.Context()); err != nil {
		t.Fatalf("a whole file is refused: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[len(content)/2&^4095:], make([]byte, 4096))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.CopyFile(path, path+".copy"); !errors.Is(err, database.ErrDamaged) {
		t.Errorf("a copy of it gives %v", err)
	}
	if _, err := os.Stat(path + ".copy"); err == nil {
		t.Error("there is a copy of it")
	}
	db = open(t, path)
	if err := db.Check(t.Context()); !errors.Is(err, database.ErrDamaged) {
		t.Errorf("the check of it gives %v", err)
	}
}
