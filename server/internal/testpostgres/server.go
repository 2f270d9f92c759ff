package testpostgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Server is a PostgreSQL server with a data folder of its own. Its methods may
// be called by one goroutine at a time.
type Server struct {
	programs programs
	account  *account
	folder   string
	guard    *guard
}

// Start starts a server for this test alone and closes it when the test ends.
// It fails the test when the server does not start.
func Start(t testing.TB) *Server {
	t.Helper()
	server, err := Open(context.Background())
	if err != nil {
		t.Fatalf("a PostgreSQL server for this test: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("closing the test's PostgreSQL server: %v", err)
		}
	})
	return server
}

// Open starts a server and returns when it accepts connections. The caller
// closes it; should this process die first, the server follows it.
func Open(ctx context.Context) (*Server, error) {
	return open(func(server *Server) error { return server.create(ctx) })
}

// open returns a server that fill has put into its folder and started.
func open(fill func(*Server) error) (*Server, error) {
	found, err := findPrograms(programFolders())
	if err != nil {
		return nil, err
	}
	runAs, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "runhook-postgres-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for a PostgreSQL server: %w", err)
	}
	server := &Server{programs: found, account: runAs, folder: folder}
	if longest := 103 - len("/"+socket); len(folder) > longest {
		err = fmt.Errorf("the folder for temporary files has too long a path for a socket (%s): set TMPDIR to a shorter one", folder)
	} else if err = server.prepare(); err == nil {
		err = fill(server)
	}
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

// prepare has the folder guarded, before there is anything to be left behind.
func (s *Server) prepare() (err error) {
	if err := s.account.own(s.folder); err != nil {
		return err
	}
	s.guard, err = startGuard(s.programs, s.account, s.folder)
	return err
}

func (s *Server) create(ctx context.Context) error {
	err := s.run(ctx, s.programs.initdb, "--pgdata="+s.data(), "--username=runhook", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US",
		"--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	return s.start(ctx)
}

// configure spares the server syncing to disk. It does write whole pages to its log:
// SIGKILL can cut the writing of one in two.
func (s *Server) configure() error {
	settings := fmt.Sprintf(`
listen_addresses = ''
unix_socket_directories = '%s'
port = 5432
max_connections = 300
fsync = off
`, strings.ReplaceAll(s.folder, "'", "''"))
	path := filepath.Join(s.data(), "postgresql.conf")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configuring a PostgreSQL server: %w", err)
	}
	_, err = file.WriteString(settings)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("configuring a PostgreSQL server: %w", err)
	}
	return nil
}

func (s *Server) start(ctx context.Context) error {
	log := filepath.Join(s.folder, "log")
	err := s.run(ctx, s.programs.pgctl, "start", "--pgdata="+s.data(), "--log="+log,
		"--wait", longestWait())
	if err != nil {
		said, _ := os.ReadFile(log)
		return fmt.Errorf("%w\nthe server's log:\n%s", err, said)
	}
	return nil
}

func (s *Server) stop(ctx context.Context, mode string) error {
	return s.run(ctx, s.programs.pgctl, "stop", "--pgdata="+s.data(), "--mode="+mode,
		"--wait", longestWait())
}

func (s *Server) data() string {
	return filepath.Join(s.folder, "data")
}

// URL is where the server answers, also after a Restart. Its database is empty
// at first, and its user may do anything.
func (s *Server) URL() string {
	address := url.URL{
		Scheme:   "postgres",
		User:     url.User("runhook"),
		Path:     "/postgres",
		RawQuery: url.Values{"host": {s.folder}, "port": {"5432"}, "sslmode": {"disable"}}.Encode(),
	}
	return address.String()
}

// Stop shuts the server down in order: open transactions are rolled back and
// clients informed.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(t.Context(), "fast"); err != nil {
		t.Fatalf("stopping the test's PostgreSQL server: %v", err)
	}
}

// Restart starts the server again after Stop or Kill, on the same data and at
// the same URL, and returns when it accepts connections.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(t.Context()); err != nil {
		t.Fatalf("restarting the test's PostgreSQL server: %v", err)
	}
}

// Close kills the server if it runs and deletes its folder.
func (s *Server) Close() error {
	var err error
	if s.guard != nil {
		err = s.guard.dismiss()
		s.guard = nil
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
