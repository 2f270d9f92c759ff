package testpostgres_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/runhook/runhook/server/internal/testpostgres"
)

// beGuarded makes this test program start a server, print where it is, and then
// wait to be killed.
const beGuarded = "RUNHOOK_TESTPOSTGRES_BE_GUARDED"

func TestMain(m *testing.M) {
	if os.Getenv(beGuarded) == "" {
		os.Exit(m.Run())
	}
	server, err := testpostgres.Open(context.Background())
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(server.URL() + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = server.Close()
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	return connection
}

func execute(t *testing.T, connection *pgx.Conn, statement string) {
	t.Helper()
	if _, err := connection.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func query[T any](t *testing.T, connection *pgx.Conn, statement string, arguments ...any) (value T) {
	t.Helper()
	if err := connection.QueryRow(t.Context(), statement, arguments...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

func TestEachDatabaseIsEmptyAndApartFromTheOthers(t *testing.T) {
	t.Parallel()
	first, second := connect(t, testpostgres.URL(t)), connect(t, testpostgres.URL(t))
	execute(t, first, "CREATE TABLE notes (id int)")

	const tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
	if got := query[int](t, first, tables); got != 1 {
		t.Errorf("the first database has %d tables, want 1", got)
	}
	if got := query[int](t, second, tables); got != 0 {
		t.Errorf("the second database has %d tables, want none", got)
	}
}

func TestACopyBeginsWithWhatWasPutIntoItsTemplateOnce(t *testing.T) {
	t.Parallel()
	name, filled := "kept_"+strings.ToLower(rand.Text()), 0
	server := connect(t, testpostgres.URL(t))
	fill := func(url string) error {
		filled++
		connection, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		_, err = connection.Exec(t.Context(), "CREATE TABLE notes (id int)")
		return errors.Join(err, connection.Close(t.Context()))
	}
	first, second := connect(t, testpostgres.Copy(t, name, fill)), connect(t, testpostgres.Copy(t, name, fill))
	execute(t, first, "INSERT INTO notes VALUES (1)")
	if got := query[int](t, second, "SELECT count(*) FROM notes"); got != 0 {
		t.Errorf("the second copy has %d notes of the first", got)
	}
	if filled != 1 {
		t.Errorf("the template was filled %d times, want once", filled)
	}
	execute(t, server, "DROP DATABASE "+name)
}

func TestADatabaseIsDroppedWhenItsTestEndsEvenIfSomeoneIsConnected(t *testing.T) {
	t.Parallel()
	observer := connect(t, testpostgres.URL(t))
	name := ""
	t.Run("a test that leaves a connection behind", func(t *testing.T) {
		connection, err := pgx.Connect(t.Context(), testpostgres.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		name = query[string](t, connection, "SELECT current_database()")
	})
	if query[bool](t, observer, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name) {
		t.Errorf("database %s is still there", name)
	}
}

func TestAServerKeepsItsDataWhenStoppedOrKilled(t *testing.T) {
	t.Parallel()
	server := testpostgres.Start(t)
	execute(t, connect(t, server.URL()), "CREATE TABLE notes (text text)")
	for name, end := range map[string]func(testing.TB){"stopped": server.Stop, "killed": server.Kill} {
		t.Run(name, func(t *testing.T) {
			connection := connect(t, server.URL())
			execute(t, connection, "INSERT INTO notes VALUES ('"+name+"')")
			end(t)
			if err := connection.Ping(t.Context()); err == nil {
				t.Error("a connection survived")
			}
			if _, err := pgx.Connect(t.Context(), server.URL()); err == nil {
				t.Error("the server still answers")
			}
			server.Restart(t)
			kept := query[bool](t, connect(t, server.URL()), "SELECT EXISTS (SELECT FROM notes WHERE text = $1)", name)
			if !kept {
				t.Error("a committed row is lost")
			}
		})
	}
}

func TestTextSortsByLanguageNotByByte(t *testing.T) {
	t.Parallel()
	if !query[bool](t, connect(t, testpostgres.Start(t).URL()), "SELECT 'a'::text < 'B'::text") {
		t.Error("text sorts by byte")
	}
}

// aftermath gives the command a pipe that all its descendants inherit, and
// returns a function that waits until none of them is left.
func aftermath(t *testing.T, command *exec.Cmd) (wait func()) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	command.ExtraFiles = append(command.ExtraFiles, writer)
	return func() {
		_ = writer.Close()
		_, _ = io.Copy(io.Discard, reader)
	}
}

func TestAServerDoesNotOutliveAProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), os.Args[0])
	// Not t.TempDir, whose paths leave too little room for that of a socket.
	folder, err := os.MkdirTemp("", "guarded-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	// The server may run as another user, who must be able to enter.
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	command.Env = append(os.Environ(), beGuarded+"=1", "TMPDIR="+folder)
	command.Stderr = os.Stderr
	wait := aftermath(t, command)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	connection := connect(t, strings.TrimSpace(url))

	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	wait()

	if err := connection.Ping(t.Context()); err == nil {
		t.Error("the server still answers")
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAPlainTestRunStartsItsOwnServerAndLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEachDatabaseIsEmptyAndApartFromTheOthers$")
	command.Env = append(os.Environ(), testpostgres.Variable+"=")
	wait := aftermath(t, command)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	wait()
}
