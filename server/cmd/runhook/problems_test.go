package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// aDatabase makes a SQLite database that no server has open, and returns its path.
func aDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runhook.db")
	process, _ := serving(t, "sqlite:"+path)
	process.Terminate()
	if status := process.ExitStatus(); status != succeeded {
		t.Fatalf("the server exits with %d: %s", status, process.Err)
	}
	return path
}

func TestCommandsSayInPlainWordsWhatIsWrongWithADatabaseAndWhatToDo(t *testing.T) {
	t.Parallel()
	good := aDatabase(t)
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	page := strings.Repeat("no database. ", 10_000)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"page.db": page, "torn.db": string(content[:8192]) + page} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in("keyless.db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	brokenLog(t, in("log.db"))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	empty := testpostgres.URL(t)
	for name, c := range map[string]struct {
		arguments string
		says      []string
	}{
		"keys without a database":           {"keys --db sqlite:" + in("none.db"), []string{"there is no database of Runhook at " + in("none.db"), "--db (RUNHOOK_DB)", "runhook serve"}},
		"doctor without a database":         {"doctor --db sqlite:" + in("none.db"), []string{"there is no database of Runhook at " + in("none.db"), "--db (RUNHOOK_DB)"}},
		"backup without a database":         {"backup --db sqlite:" + in("none.db") + " --to " + in("copy.db"), []string{"there is no database of Runhook at " + in("none.db")}},
		"migrate-db without a database":     {"migrate-db --from sqlite:" + in("none.db") + " --to " + empty, []string{"there is no database at " + in("none.db") + " to move from", "--from sqlite:PATH"}},
		"keys of an empty PostgreSQL":       {"keys --db " + empty, []string{"no Runhook server has used the database", "--db (RUNHOOK_DB)"}},
		"doctor of an empty PostgreSQL":     {"doctor --db " + empty, []string{"no Runhook server has used the database", "runhook serve"}},
		"keys without the key file":         {"keys --db sqlite:" + in("keyless.db"), []string{in("keyless.db.key") + " is missing", "put it back", "RUNHOOK_ENCRYPTION_KEY"}},
		"serve on a page":                   {"serve --addr 127.0.0.1:0 --db sqlite:" + in("page.db"), []string{in("page.db") + " is damaged, or is no database", "runhook restore"}},
		"keys of a page":                    {"keys --db sqlite:" + in("page.db"), []string{in("page.db") + " is damaged, or is no database"}},
		"doctor of a page":                  {"doctor --db sqlite:" + in("page.db"), []string{in("page.db") + " is damaged, or is no database", "runhook restore"}},
		"doctor of a torn file":             {"doctor --db sqlite:" + in("torn.db"), []string{in("torn.db") + " is damaged, or is no database", "runhook restore"}},
		"serve on a damaged log":            {"serve --addr 127.0.0.1:0 --db sqlite:" + in("log.db"), damagedLog(in("log.db"))},
		"doctor of a damaged log":           {"doctor --db sqlite:" + in("log.db"), damagedLog(in("log.db"))},
		"keys of a damaged log":             {"keys --db sqlite:" + in("log.db"), damagedLog(in("log.db"))},
		"backup of a damaged log":           {"backup --db sqlite:" + in("log.db") + " --to " + in("copy.db"), damagedLog(in("log.db"))},
		"restore from a damaged log":        {"restore --db sqlite:" + in("new/runhook.db") + " --from " + in("log.db"), damagedLog(in("log.db"))},
		"migrate-db of a damaged log":       {"migrate-db --from sqlite:" + in("log.db") + " --to " + empty, damagedLog(in("log.db"))},
		"backup of a torn file":             {"backup --db sqlite:" + in("torn.db") + " --to " + in("copy.db"), []string{in("torn.db") + " is damaged", "runhook restore"}},
		"backup of a page":                  {"backup --db sqlite:" + in("page.db") + " --to " + in("copy.db"), []string{in("page.db") + " is damaged, or is no database"}},
		"restore from a page":               {"restore --db sqlite:" + in("new/runhook.db") + " --from " + in("page.db"), []string{in("page.db") + " is damaged, or is no database"}},
		"restore from nothing":              {"restore --db sqlite:" + in("new/runhook.db") + " --from " + in("none.db"), []string{"there is no file " + in("none.db") + " to restore", "--from"}},
		"restore over a database":           {"restore --db sqlite:" + good + " --from " + good, []string{"there is a database at " + good + " already", "--db"}},
		"backup to a folder that is none":   {"backup --db sqlite:" + good + " --to " + in("deep/copy.db"), []string{"there is no folder " + in("deep"), "--to"}},
		"backup to a file":                  {"backup --db sqlite:" + good + " --to " + in("page.db"), []string{"there is a file at " + in("page.db") + " already", "--to"}},
		"doctor of a folder":                {"doctor --db sqlite:" + folder, []string{folder + " cannot be opened", "must not name a folder"}},
		"serve on a port that is in use":    {"serve --addr " + taken.Addr().String() + " --db sqlite:" + in("unmade/runhook.db"), []string{"--addr (RUNHOOK_ADDR): another program has " + taken.Addr().String(), "No database was made"}},
		"a password with a slash":           {"doctor --db postgres://user:pa/ss@127.0.0.1:1/x", []string{"cannot be read as one of PostgreSQL", "/ as %2F", "# as %23"}},
		"a password with a percent sign":    {"doctor --db postgres://user:secret%zz@127.0.0.1:1/x", []string{"cannot be read as one of PostgreSQL", "% as %25"}},
		"PostgreSQL that does not answer":   {"doctor --db postgres://user:secret#1@127.0.0.1:1/x", []string{"PostgreSQL does not answer at postgres://...@127.0.0.1:1/x", "connection refused", "--db (RUNHOOK_DB)"}},
		"a wrong PostgreSQL password":       {"doctor --db postgres://user:secret%231@" + wrongPassword(t) + "/x?sslmode=disable", []string{"PostgreSQL refuses the user or the password of postgres://user:xxxxx@", "password authentication failed", "# as %23"}},
		"a PostgreSQL user that is unknown": {"doctor --db " + as(t, empty, "nobody_"+strings.ToLower(rand.Text())), []string{"PostgreSQL refuses the user or the password", "does not exist"}},
		"a PostgreSQL database that is not": {"doctor --db " + strings.Replace(empty, parsed(t, empty).Path, "/no_such_database", 1), []string{"PostgreSQL has no database of the name", "CREATE DATABASE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A folder for each case: of two commands on one database, one finds it in use.
			own := t.TempDir()
			if err := os.CopyFS(own, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			_, problems, status := invoked(t, strings.Fields(strings.ReplaceAll(c.arguments, folder, own))...)
			for _, path := range []string{"none.db", "none.db.key", "none.db.lock", "keyless.db.key", "copy.db", "copy.db.key", "new/runhook.db", "new/runhook.db.key", "unmade", "deep"} {
				if _, err := os.Stat(filepath.Join(own, path)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s was made", path)
				}
			}
			for _, want := range c.says {
				want = strings.ReplaceAll(want, folder, own)
				if status == succeeded || !strings.Contains(problems, want) {
					t.Errorf("it exits with %d and does not say %q but\n%s", status, want, problems)
				}
			}
			if strings.Contains(problems, "secret") && !strings.Contains(c.arguments, "keyless") || strings.Contains(problems, "pa/ss") {
				t.Errorf("it shows a password: %s", problems)
			}
		})
	}
}

// brokenLog makes a database as a crash and a bad disk leave it: with a damaged page in
// the middle of its write-ahead log.
func brokenLog(t *testing.T, to string) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "runhook.db")
	process, _ := serving(t, "sqlite:"+from)
	process.Kill()
	for _, suffix := range []string{"", "-wal", ".key"} {
		content, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if suffix == "-wal" {
			const header, frame = 32, 24 + 4096
			if len(content) < header+10*frame {
				t.Fatalf("the log has %d bytes", len(content))
			}
			content[header+5*frame+1000] ^= 1
		}
		if err := os.WriteFile(to+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// damagedLog is what is said of a database with a damaged log: what is wrong, and the
// steps to recover.
func damagedLog(path string) []string {
	return []string{path + " is damaged: frame 6 of the write-ahead log " + path + "-wal does not verify", "copy the file and its -wal file",
		"runhook restore --from BACKUP", "sqlite3 " + path + " 'PRAGMA wal_checkpoint(TRUNCATE)'", "docs/operating.md"}
}

// wrongPassword returns the address of a PostgreSQL that refuses every password, as far
// as clients can see: those of the tests ask for none.
func wrongPassword(t *testing.T) string {
	t.Helper()
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = listening.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			connection, err := listening.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer connection.Close()
				message := make([]byte, 1024)
				_, _ = connection.Read(message)                                      // the startup
				_, _ = connection.Write([]byte("R\x00\x00\x00\x08\x00\x00\x00\x03")) // asks for a password in clear
				_, _ = connection.Read(message)
				fields := "SFATAL\x00VFATAL\x00C28P01\x00Mpassword authentication failed for user \"user\"\x00\x00"
				_, _ = connection.Write(append([]byte{'E', 0, 0, 0, byte(4 + len(fields))}, fields...))
			})
		}
	})
	return listening.Addr().String()
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// as returns the URL of a database for another user.
func as(t *testing.T, address, user string) string {
	u := parsed(t, address)
	u.User = url.User(user)
	return u.String()
}

func TestAPostgreSQLUserWithoutRightsGetsAnErrorThatNamesThem(t *testing.T) {
	t.Parallel()
	address := testpostgres.URL(t)
	user := "weak_" + strings.ToLower(rand.Text())
	owner, err := postgres.Open(t.Context(), address, postgres.Options{Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	execute := func(statement string) {
		err := owner.Update(context.Background(), func(c database.Conn) error {
			_, err := c.Exec(statement)
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	execute("CREATE ROLE " + user + " LOGIN")
	t.Cleanup(func() {
		execute("DROP ROLE " + user)
		_ = owner.Close()
	})
	_, problems, status := invoked(t, "serve", "--addr", "127.0.0.1:0", "--db", as(t, address, user))
	for _, want := range []string{"lacks a right", "permission denied for schema public", "GRANT CREATE, USAGE ON SCHEMA public"} {
		if status != failed || !strings.Contains(problems, want) {
			t.Errorf("it exits with %d and does not say %q but\n%s", status, want, problems)
		}
	}
}

func TestAFileOrFolderThatIsReadOnlyIsSaidAsSuch(t *testing.T) {
	t.Parallel()
	good := aDatabase(t)
	for name, c := range map[string]struct {
		arguments []string
		says      []string
	}{
		"serve on a file of another user": {[]string{"serve", "--addr", "127.0.0.1:0", "--db", "sqlite:" + good}, []string{good + " cannot be opened, read or written", "permission denied", "as the user that owns the file"}},
		"serve in a read-only folder":     {[]string{"serve", "--addr", "127.0.0.1:0", "--db", "sqlite:" + filepath.Join(filepath.Dir(good), "other.db")}, []string{"other.db cannot be opened, read or written", "permission denied"}},
		"doctor of a file of another":     {[]string{"doctor", "--db", "sqlite:" + good}, []string{good + " cannot be opened, read or written"}},
		"keys of a file of another":       {[]string{"keys", "--db", "sqlite:" + good}, []string{good + " cannot be opened, read or written"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := asOtherUser(t, filepath.Dir(good), c.arguments...)
			for _, want := range c.says {
				if err == nil || !strings.Contains(out, want) {
					t.Errorf("it ends with %v and does not say %q but\n%s", err, want, out)
				}
			}
		})
	}
}

// asOtherUser runs the program as a user who can look into a folder and read and write
// nothing there.
func asOtherUser(t *testing.T, folder string, arguments ...string) (string, error) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, arguments...)
	if os.Getuid() == 0 {
		// The right to enter folders is root's, so the way to the test's is opened.
		binary = publicCopy(t, binary)
		command = exec.Command(binary, arguments...)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		open(t, folder)
		command.Dir = "/"
	} else {
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range append(files, folder) {
			mode := os.FileMode(0)
			if path == folder {
				mode = 0o500
			}
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	}
	command.Env = append(os.Environ(), asProgram+"=1")
	out, err := command.CombinedOutput()
	return string(out), err
}

// publicCopy copies a program to where everyone can run it.
func publicCopy(t *testing.T, program string) string {
	t.Helper()
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	open(t, folder)
	path := filepath.Join(folder, "runhook")
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// open lets everyone enter a test's folder.
func open(t *testing.T, folder string) {
	t.Helper()
	for _, path := range []string{folder, filepath.Dir(folder)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
