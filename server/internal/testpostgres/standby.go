package testpostgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Standby starts another server, which follows this one: it has a copy of all
// databases, answers queries, and takes no writes before it is promoted. From then
// on this one acknowledges no commit before the standby has it on disk.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	standby, err := s.standby(t.Context())
	if err != nil {
		t.Fatalf("a standby of the test's PostgreSQL server: %v", err)
	}
	t.Cleanup(func() {
		if err := standby.Close(); err != nil {
			t.Errorf("closing the test's standby: %v", err)
		}
	})
	if err := s.follow(t.Context()); err != nil {
		t.Fatalf("having the test's PostgreSQL server wait for its standby: %v", err)
	}
	return standby
}

// follow has the server wait for its standby with every commit, and returns when
// it does. The standby must have been copied before, so that it does not wait for
// one in its turn.
func (s *Server) follow(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if err := execute(s.URL(), statement); err != nil {
			return err
		}
	}
	for synchronous := false; !synchronous && err == nil; {
		synchronous, err = s.isFollowed(ctx)
	}
	return err
}

// isFollowed reports whether a standby has all that is acknowledged.
func (s *Server) isFollowed(ctx context.Context) (synchronous bool, err error) {
	connection, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return false, err
	}
	defer func() { _ = connection.Close(ctx) }()
	const query = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')"
	err = connection.QueryRow(ctx, query).Scan(&synchronous)
	return synchronous, err
}

func (s *Server) standby(ctx context.Context) (*Server, error) {
	return open(func(standby *Server) error {
		// What stands on the PATH may be a link to one of the programs alone.
		pgctl, err := filepath.EvalSymlinks(s.programs.pgctl)
		if err != nil {
			return fmt.Errorf("finding the program that copies a PostgreSQL server: %w", err)
		}
		err = standby.run(ctx, filepath.Join(filepath.Dir(pgctl), "pg_basebackup"), "--pgdata="+standby.data(),
			"--dbname="+s.URL(), "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync")
		if err != nil {
			return err
		}
		if err := standby.configure(); err != nil {
			return err
		}
		return standby.start(ctx)
	})
}

// Promote has a standby take writes, and follow no server any more.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	err := s.run(t.Context(), s.programs.pgctl, "promote", "--pgdata="+s.data(), "--wait", longestWait())
	if err != nil {
		t.Fatalf("promoting the test's standby: %v", err)
	}
}

// RestartReadOnly starts the server again after Stop or Kill as a standby that
// follows no server: it answers queries and takes no writes.
func (s *Server) RestartReadOnly(t testing.TB) {
	t.Helper()
	signal := filepath.Join(s.data(), "standby.signal")
	err := os.WriteFile(signal, nil, 0o600)
	if err = errors.Join(err, s.account.own(signal)); err != nil {
		t.Fatalf("making a standby of the test's PostgreSQL server: %v", err)
	}
	s.Restart(t)
}

// EitherURL is a URL that names two servers, for clients that use the one which
// takes writes.
func EitherURL(first, second *Server) string {
	address := url.URL{
		Scheme: "postgres",
		User:   url.User("runhook"),
		Path:   "/postgres",
		RawQuery: url.Values{
			"host":                 {first.folder + "," + second.folder},
			"port":                 {"5432,5432"},
			"sslmode":              {"disable"},
			"target_session_attrs": {"read-write"},
		}.Encode(),
	}
	return address.String()
}

// longestWait is the option of pg_ctl that bounds how long it waits.
func longestWait() string { return fmt.Sprintf("--timeout=%.0f", patience.Seconds()) }
