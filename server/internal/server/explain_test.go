package server_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/worker"
)

// What a test cannot make on every machine is explained here; the commands' own test has
// the rest.
func TestADiskThatIsFullOrReadOnlyIsExplained(t *testing.T) {
	t.Parallel()
	const file, url = "sqlite:/data/runhook.db", "postgres://user:secret@db.internal/runhook"
	for name, c := range map[string]struct {
		err     error
		address string
		says    []string
	}{
		"SQLite finds no room":           {fmt.Errorf("commit: %w", database.ErrFull), file, []string{"the disk of /data/runhook.db is full", "Make room", "nothing was changed"}},
		"the system finds no room":       {&fs.PathError{Op: "write", Path: "/data/x", Err: syscall.ENOSPC}, file, []string{"the disk of /data/runhook.db is full", "Make room"}},
		"the quota is used up":           {&fs.PathError{Op: "write", Path: "/data/x", Err: syscall.EDQUOT}, file, []string{"the disk quota for /data/runhook.db is used up", "Make room", "nothing was changed"}},
		"the limit of the size of files": {&fs.PathError{Op: "write", Path: "/data/x", Err: syscall.EFBIG}, file, []string{"/data/runhook.db may not grow", "ulimit -f", "nothing was changed"}},
		"a file system is read-only":     {&fs.PathError{Op: "open", Path: "/data/runhook.db", Err: syscall.EROFS}, file, []string{"/data/runhook.db cannot be opened, read or written", "read-only file system", "writable for that user"}},
		"PostgreSQL finds no room":       {fmt.Errorf("commit: %w", database.ErrFull), url, []string{"the disk of PostgreSQL is full", "db.internal", "Make room there"}},
	} {
		t.Run(name, func(t *testing.T) {
			explained := server.Explain(c.err, c.address)
			var advice *server.AdviceError
			if !errors.As(explained, &advice) || !errors.Is(explained, c.err) || strings.Contains(explained.Error(), "secret") {
				t.Fatalf("it is explained as %v", explained)
			}
			for _, want := range c.says {
				if !strings.Contains(explained.Error(), want) {
					t.Errorf("%q is not in: %v", want, explained)
				}
			}
		})
	}
}

func TestARefusedClockIsExplainedWithBothTimes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	err := fmt.Errorf("register: %w", &worker.SkewError{Server: now.Add(3 * time.Second), Database: now, Ahead: 3 * time.Second})
	text := server.Explain(err, "postgres://user:secret@db.internal/runhook").Error()
	for _, want := range []string{"10:00:03.000Z", "10:00:00.000Z", "differ by 3s", "NTP", "db.internal"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in: %s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Errorf("the password is in: %s", text)
	}
}
