// Package postgres keeps the store in a PostgreSQL database (15 or later), which
// any number of processes share.
//
// What it saves is round trips. BEGIN travels with the first statement, queued
// statements with the next one or with COMMIT, and a transaction of only queued
// statements is one message there and one back. A View answers its caller before
// the server has heard that it is over.
//
// Update runs at READ COMMITTED: a statement sees what was committed before it
// began, so rows that are read to be changed must be locked or compared in the
// UPDATE. A transaction that the server aborts for the sake of another
// (deadlock, serialization failure) is run again, a bounded number of times.
package postgres

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/store/database"
)

// oldestVersion is the oldest PostgreSQL that the store is tested with.
const oldestVersion = 15

// Options adjust a database. The zero value is right for production.
type Options struct {
	// Connections is how many connections are open at most, besides one for
	// Listen; 0 means what the URL says in pool_max_conns, or else 16.
	Connections int
	// HealthInterval is how long a silent Listen connection is trusted; 0 means
	// 10 seconds.
	HealthInterval time.Duration
	// Listening is called when Listen connections are lost and made again, and says
	// how long to wait in between; nil means no callback.
	Listening *health.Component
}

// DB is an open PostgreSQL database.
type DB struct {
	pool           *pgxpool.Pool
	instance       string // marks our own messages, which Listen passes over
	healthInterval time.Duration
	listening      *health.Component
	gate           database.Gate

	transactions atomic.Int64
}

var _ database.DB = (*DB)(nil)

// Open connects to the database that url names. It fails with
// [database.ErrUnavailable] if the server does not answer, and if the server is
// too old or the database's encoding is not UTF-8.
func Open(ctx context.Context, url string, options Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the PostgreSQL URL: %w", err)
	}
	options.apply(url, config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("set up PostgreSQL connections: %w", err)
	}
	db := &DB{
		pool: pool, instance: rand.Text(),
		healthInterval: options.HealthInterval, listening: options.Listening,
	}
	err = db.checkVersion(ctx)
	if err == nil {
		err = db.checkEncoding(ctx)
	}
	if err != nil {
		pool.Close()
		target := config.ConnConfig
		return nil, fmt.Errorf("open the PostgreSQL database %s on %s:%d: %w", target.Database, target.Host, target.Port, err)
	}
	return db, nil
}

// apply fills in defaults and hands the options to the pool.
func (o *Options) apply(url string, config *pgxpool.Config) {
	switch {
	case o.Connections > 0:
		config.MaxConns = int32(o.Connections)
	case !strings.Contains(url, "pool_max_conns"):
		config.MaxConns = 16
	}
	if o.HealthInterval <= 0 {
		o.HealthInterval = 10 * time.Second
	}
	if o.Listening == nil {
		o.Listening = health.New(health.Config{}).Component("listen")
	}
	if config.PingTimeout == 0 {
		config.PingTimeout = pingTimeout
	}
	prepare(url, config.ConnConfig)
}

func (db *DB) checkVersion(ctx context.Context) error {
	var text string
	if err := db.pool.QueryRow(ctx, "SHOW server_version_num").Scan(&text); err != nil {
		return explain(ctx, err, true)
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("the server's version is %q, which is not a number", text)
	}
	if version := number / 10000; version < oldestVersion {
		return fmt.Errorf("the server is PostgreSQL %d; use %d or later", version, oldestVersion)
	}
	return nil
}

// checkEncoding refuses a database that cannot hold every text: names, payloads and
// error messages come from everywhere.
func (db *DB) checkEncoding(ctx context.Context) error {
	var encoding string
	if err := db.pool.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return explain(ctx, err, true)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("its encoding is %s, which does not hold every text; use one with the encoding UTF8, "+
			"made with CREATE DATABASE name ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0", encoding)
	}
	return nil
}

// Dialect says how PostgreSQL's SQL differs.
func (db *DB) Dialect() database.Dialect { return dialect }

var dialect = database.Dialect{
	Name:       "postgres",
	ForUpdate:  " FOR NO KEY UPDATE",
	SkipLocked: " FOR NO KEY UPDATE SKIP LOCKED",
	Clock:      "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
}

// Stats counts what was done since the database was opened. The server groups
// commits by itself, so there are as many as transactions.
func (db *DB) Stats() database.Stats {
	n := db.transactions.Load()
	return database.Stats{Transactions: n, Commits: n}
}

// Failed returns nil, a channel that is never closed: the server looks after its
// own disk.
func (db *DB) Failed() <-chan struct{} { return nil }

// Ping reports whether the server answers.
func (db *DB) Ping(ctx context.Context) error {
	connection, err := db.enter(ctx)
	if err != nil {
		return err
	}
	defer db.leave(connection)
	if err := connection.Ping(ctx); err != nil {
		return explain(ctx, err, true)
	}
	return nil
}

// OpenSQL opens a handle for schema changes on the connections of the pool.
func (db *DB) OpenSQL(ctx context.Context) (*sql.DB, error) {
	if err := db.gate.Enter(); err != nil {
		return nil, err
	}
	defer db.gate.Leave()
	return stdlib.OpenDBFromPool(db.pool), nil
}

// Close waits for transactions under way and closes all connections.
func (db *DB) Close() error {
	if db.gate.Close() {
		db.pool.Close()
	}
	return nil
}

// enter takes a connection; leave gives it back.
func (db *DB) enter(ctx context.Context) (*pgxpool.Conn, error) {
	if err := db.gate.Enter(); err != nil {
		return nil, err
	}
	connection, err := db.pool.Acquire(ctx)
	if err != nil {
		db.gate.Leave()
		return nil, explain(ctx, err, true)
	}
	return connection, nil
}

func (db *DB) leave(connection *pgxpool.Conn) {
	connection.Release()
	db.gate.Leave()
}

// errRowsOpen is given to a statement that begins while rows are being read.
var errRowsOpen = errors.New("the rows of the last query are still open; close them before the next statement")
