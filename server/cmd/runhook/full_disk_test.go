//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/testpostgres"
)

// aFullDisk is a script that runs a command in a folder on a disk that is full. The disk
// is one in memory, in a name space of the script's own; before it is filled, the files
// of another folder are copied to it.
const aFullDisk = `mount -t tmpfs -o size=$1 tmpfs "$2" && cp "$3"/* "$2" && { cat /dev/zero > "$2/filler" 2>/dev/null || :; } && shift 3 && exec "$@"`

// noLargeFiles is a script that runs a command that may write no byte to a file.
const noLargeFiles = `trap '' XFSZ; ulimit -f 0; exec "$@"`

// mountsAllowed reports whether this machine lets a process mount a disk of its own.
func mountsAllowed(t *testing.T) bool {
	t.Helper()
	return exec.Command("unshare", "-Urm", "sh", "-c", `mount -t tmpfs -o size=16k tmpfs "$1"`, "sh", t.TempDir()).Run() == nil
}

func TestCommandsSayInPlainWordsThatThereIsNoRoomAndLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	good := aDatabase(t)
	files, err := filepath.Glob(good + "*")
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mounts := mountsAllowed(t)
	t.Logf("disks of a test's own can be mounted: %v; the limit of the size of files is tested in any case", mounts)
	for name, c := range map[string]struct {
		// DIR is the folder without room, GOOD a database elsewhere.
		arguments string
		// has is set if the folder has a database before there is no room.
		has bool
		// about is the file without room, in the folder.
		about string
		// again is set if the command ends by itself once there is room.
		again bool
	}{
		"serve that makes a database": {"serve --addr 127.0.0.1:0 --db sqlite:DIR/runhook.db", false, "runhook.db", false},
		"serve":                       {"serve --addr 127.0.0.1:0 --db sqlite:DIR/runhook.db", true, "runhook.db", false},
		"doctor":                      {"doctor --db sqlite:DIR/runhook.db", true, "runhook.db", true},
		"keys":                        {"keys --db sqlite:DIR/runhook.db", true, "runhook.db", true},
		"backup":                      {"backup --db sqlite:GOOD --to DIR/copy.db", false, "copy.db", true},
		"restore":                     {"restore --from GOOD --db sqlite:DIR/runhook.db", false, "runhook.db", true},
		"migrate-db":                  {"migrate-db --from sqlite:DIR/runhook.db --to POSTGRES", true, "runhook.db", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, before := t.TempDir(), t.TempDir()
			if c.has {
				for _, file := range files {
					copyOf(t, file, filepath.Join(before, filepath.Base(file)))
				}
				if err := os.CopyFS(folder, os.DirFS(before)); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(filepath.Join(before, "other"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			arguments := strings.Fields(strings.NewReplacer("DIR", folder, "GOOD", good, "POSTGRES", testpostgres.URL(t)).Replace(c.arguments))
			without := func(what string, script ...string) {
				t.Helper()
				command := exec.Command(script[0], append(script[1:], append([]string{binary}, arguments...)...)...)
				command.Env = append(os.Environ(), asProgram+"=1")
				out, err := command.CombinedOutput()
				said := string(out)
				if err == nil && strings.HasPrefix(name, "doctor") || err == nil && name == "keys" {
					return // it needs no room
				}
				for _, want := range []string{filepath.Join(folder, c.about), what, "run this again; nothing was changed"} {
					if err == nil || !strings.Contains(said, want) {
						t.Errorf("it ends with %v and does not say %q but\n%s", err, want, said)
					}
				}
				if strings.Contains(said, "goroutine ") || strings.Contains(said, "SIGXFSZ") {
					t.Errorf("it crashes:\n%s", said)
				}
			}
			if mounts {
				without("is full", "unshare", "-Urm", "sh", "-c", aFullDisk, "sh", fmt.Sprint(sizeOf(t, before)+64<<10), folder, before)
			}
			without("may not grow", "sh", "-c", noLargeFiles, "sh")
			if c.again {
				if _, problems, status := invoked(t, arguments...); status != succeeded {
					t.Errorf("with room it exits with %d:\n%s", status, problems)
				}
				return
			}
			process := program(t, nil, arguments...)
			process.ServerURL()
			process.Terminate()
			process.ExitStatus()
		})
	}
}

// copyOf copies a file.
func copyOf(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sizeOf returns how many bytes the files of a folder take on a disk.
func sizeOf(t *testing.T, folder string) (bytes int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	const block = 4096
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		bytes += (info.Size() + block - 1) / block * block
	}
	return bytes
}
