package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// postgresServer is a PostgreSQL server of our own, as durable as it is in
// production.
type postgresServer struct {
	server *testpostgres.Server
	db     *postgres.DB
	admin  *sql.DB
	pid    int
}

func startPostgres(ctx context.Context) (_ *postgresServer, err error) {
	p := &postgresServer{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.server, err = testpostgres.Open(ctx); err != nil {
		return nil, err
	}
	if p.db, err = postgres.Open(ctx, p.server.URL(), postgres.Options{Connections: 2}); err != nil {
		return nil, err
	}
	if p.admin, err = p.db.OpenSQL(ctx); err != nil {
		return nil, err
	}
	if err = p.makeDurable(ctx); err != nil {
		return nil, err
	}
	if p.pid, err = postmaster(p.server.URL()); err != nil {
		return nil, err
	}
	return p, nil
}

// durable is how PostgreSQL runs by default. Servers for tests are
// received otherwise.
var durable = []string{"fsync", "full_page_writes", "synchronous_commit"}

func (p *postgresServer) makeDurable(ctx context.Context) error {
	for _, setting := range durable {
		if _, err := p.admin.ExecContext(ctx, "ALTER SYSTEM SET "+setting+" = on"); err != nil {
			return err
		}
	}
	if _, err := p.admin.ExecContext(ctx, "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	// The server reads its settings in its own time, and then syncs what it had
	// written without.
	for {
		on := 0
		for _, setting := range durable {
			var value string
			if err := p.admin.QueryRowContext(ctx, "SHOW "+setting).Scan(&value); err != nil {
				return err
			}
			if value == "on" {
				on++
			}
		}
		if on == len(durable) {
			break
		}
	}
	_, err := p.admin.ExecContext(ctx, "CHECKPOINT")
	return err
}

// postmaster returns the process id of the server whose socket the URL names.
func postmaster(serverURL string) (int, error) {
	parsed, err := url.Parse(serverURL)
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(parsed.Query().Get("host"), "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

// create makes an empty database and returns its URL.
func (p *postgresServer) create(ctx context.Context, name string) (string, error) {
	if _, err := p.admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return "", err
	}
	parsed, err := url.Parse(p.server.URL())
	if err != nil {
		return "", err
	}
	parsed.Path = "/" + name
	return parsed.String(), nil
}

func (p *postgresServer) drop(ctx context.Context, name string) error {
	_, err := p.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// size returns the bytes of a database's tables and indexes.
func (p *postgresServer) size(ctx context.Context, name string) (bytes int64, err error) {
	err = p.admin.QueryRowContext(ctx, "SELECT pg_database_size($1)", name).Scan(&bytes)
	return bytes, err
}

// log returns how long the log has become, and how often it was synced.
// Connections report syncs with a delay, but at the latest when they end.
func (p *postgresServer) log(ctx context.Context) (bytes, syncs int64, err error) {
	var version int
	err = p.admin.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int,
		pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint`).Scan(&version, &bytes)
	if err != nil {
		return 0, 0, err
	}
	query := "SELECT wal_sync FROM pg_stat_wal"
	if version >= 180000 {
		query = "SELECT COALESCE(SUM(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'"
	}
	err = p.admin.QueryRowContext(ctx, query).Scan(&syncs)
	return bytes, syncs, err
}

func (p *postgresServer) close() error {
	var errs []error
	if p.admin != nil {
		errs = append(errs, p.admin.Close())
	}
	if p.db != nil {
		errs = append(errs, p.db.Close())
	}
	if p.server != nil {
		errs = append(errs, p.server.Close())
	}
	return errors.Join(errs...)
}
