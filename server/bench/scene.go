package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/store/sqlite"
)

// scene is everything that takes part in a measurement, set up and warm.
type scene struct {
	bench  *bench
	server *subject
	app    *companion
	inbox  *inbox
	load   *load
	// engine and database name what the server keeps its data in; empty for a
	// floor.
	engine, database string
	// section is where the figures of a measurement of runs go; empty if times
	// are measured.
	section string
}

// saturate has the clients do all they can.
func (s *scene) saturate(ctx context.Context, duration time.Duration) (runs int, took time.Duration, err error) {
	return s.load.saturate(ctx, duration)
}

// withServer calls fn with a server on a new database, and checks afterwards that
// every run was reported once. wrapper, if not empty, is a command line that runs
// the server.
func (b *bench) withServer(ctx context.Context, engine string, tasks int, wrapper []string, fn func(*scene) error) (err error) {
	url, name, remove, err := b.newDatabase(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	receiver, err := listen(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, receiver.stop()) }()
	s := &scene{bench: b, engine: engine, database: name, inbox: newInbox(true)}
	receiver.server.Handler = s.inbox
	if s.server, err = b.startServer(ctx, url, wrapper); err != nil {
		return err
	}
	before, err := s.measureDisk(ctx)
	if err == nil {
		err = s.play(ctx, b.options.app, tasks, receiver.url, fn)
	}
	if err = errors.Join(err, s.server.stop()); err != nil {
		return err
	}
	if err := s.inbox.check(); err != nil {
		return err
	}
	if len(wrapper) > 0 {
		return nil
	}
	b.report.add(sectionStart, "with a new database", "ms", columnOf(engine), milliseconds(s.server.startUp))
	if err := s.reportDisk(ctx, before); err != nil {
		return err
	}
	return b.measureRestart(ctx, s, url)
}

// play starts the app, makes it known, warms up and calls fn.
func (s *scene) play(ctx context.Context, kind string, tasks int, callback string, fn func(*scene) error) (err error) {
	if s.app, err = s.bench.startApp(kind, s.server.url); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.app.stop()) }()
	if err := register(ctx, s.server.url, s.app.url); err != nil {
		return err
	}
	s.load = newLoad(s.bench.options, s.inbox, s.server.url, callback, tasks)
	defer s.load.client.CloseIdleConnections()
	if err := s.bench.warm(ctx, s); err != nil {
		return err
	}
	return fn(s)
}

// withHops calls fn with the floor of HTTP hops in the server's place.
func (b *bench) withHops(ctx context.Context, tasks int, fn func(*scene) error) (err error) {
	s := &scene{bench: b, inbox: newInbox(false)}
	receiver, err := listen(s.inbox)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, receiver.stop()) }()
	var hops *companion
	if b.options.inProcess {
		hops, err = startInside(newHops(receiver.url))
	} else {
		hops, err = startPart(partHops, "-callback", receiver.url)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hops.stop()) }()
	s.server = &subject{url: hops.url, pid: hops.pid}
	if s.app, err = b.startApp(appHops, hops.url); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.app.stop()) }()
	if err := ask(ctx, "POST", hops.url+"/app", s.app.url, nil); err != nil {
		return err
	}
	s.load = newLoad(b.options, s.inbox, hops.url, receiver.url, tasks)
	defer s.load.client.CloseIdleConnections()
	if err := b.warm(ctx, s); err != nil {
		return err
	}
	if err := fn(s); err != nil {
		return err
	}
	return s.inbox.check()
}

// newDatabase makes a database. url is for the server; name is the file of an
// SQLite database and the name of a PostgreSQL one.
func (b *bench) newDatabase(ctx context.Context, engine string) (url, name string, remove func() error, err error) {
	b.databases++
	if engine == sqliteEngine {
		folder := filepath.Join(b.folder, fmt.Sprintf("database-%d", b.databases))
		name := filepath.Join(folder, "runhook.db")
		return "sqlite:" + name, name, func() error { return os.RemoveAll(folder) }, nil
	}
	name = fmt.Sprintf("bench_%d", b.databases)
	url, err = b.postgres.create(ctx, name)
	return url, name, func() error { return b.postgres.drop(context.WithoutCancel(ctx), name) }, err
}

// openDatabase opens a new database of an engine in this process.
func (b *bench) openDatabase(ctx context.Context, engine string) (db database.DB, remove func() error, err error) {
	url, name, remove, err := b.newDatabase(ctx, engine)
	if err != nil {
		return nil, nil, err
	}
	if engine == sqliteEngine {
		db, err = sqlite.Open(ctx, name, sqlite.Options{})
	} else {
		db, err = postgres.Open(ctx, url, postgres.Options{Connections: b.options.clients})
	}
	if err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return db, remove, nil
}

// measureRestart measures a start on the database that the runs have filled.
func (b *bench) measureRestart(ctx context.Context, s *scene, url string) error {
	again, err := b.startServer(ctx, url, nil)
	if err != nil {
		return err
	}
	b.report.add(sectionStart, "with the runs of a measurement", "ms", columnOf(s.engine), milliseconds(again.startUp))
	return again.stop()
}

// disk is the bytes of a database, and for PostgreSQL those of its log and how
// often that was synced.
type disk struct{ size, log, syncs int64 }

func (s *scene) measureDisk(ctx context.Context) (d disk, err error) {
	if s.engine == postgresEngine {
		if d.size, err = s.bench.postgres.size(ctx, s.database); err != nil {
			return d, err
		}
		d.log, d.syncs, err = s.bench.postgres.log(ctx)
		return d, err
	}
	folder := filepath.Dir(s.database)
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "-shm") {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			d.size += info.Size()
		}
		return err
	})
	return d, err
}

// reportDisk prints what all runs have left on the disk. The server must have
// stopped, so that nothing is left in a log.
func (s *scene) reportDisk(ctx context.Context, before disk) error {
	if s.section == "" {
		return nil
	}
	after, err := s.measureDisk(ctx)
	if err != nil {
		return err
	}
	runs := float64(s.inbox.count())
	s.put(rowGrowth, columnOf(s.engine), megabytes(after.size-before.size)/runs*1000)
	if s.engine == postgresEngine {
		s.put(rowSyncs, columnPostgres, float64(after.syncs-before.syncs)/runs)
		s.put(rowWritten, columnPostgres, megabytes(after.log-before.log)/runs*1000)
	}
	return nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
