package main

import "os"

// usages is what each side has used, and how many runs there were until then.
type usages struct {
	server, app, clients, postgres usage
	runs                           int
}

func (s *scene) usage() usages {
	u := usages{runs: s.inbox.count()}
	if s.bench.options.inProcess {
		return u
	}
	u.server, u.app, u.clients = usageOf(s.server.pid), usageOf(s.app.pid), usageOf(os.Getpid())
	if s.engine == postgresEngine {
		u.postgres = usageOf(family(s.bench.postgres.pid)...)
	}
	return u
}

// reportUsage tells what was used since before, for each 1,000 runs.
func (s *scene) reportUsage(column string, before usages) {
	after := s.usage()
	thousands := float64(after.runs-before.runs) / 1000
	var written int64
	for _, side := range []struct {
		name string
		used usage
	}{
		{"processor time, server", after.server.minus(before.server)},
		{"processor time, PostgreSQL", after.postgres.minus(before.postgres)},
		{"processor time, app", after.app.minus(before.app)},
		{"processor time, clients and receiver", after.clients.minus(before.clients)},
	} {
		if side.used.known {
			s.bench.report.add(s.section, side.name, "s/1,000 runs", column, side.used.cpu.Seconds()/thousands)
		}
	}
	if !after.server.known || s.engine == "" {
		return
	}
	written = after.server.minus(before.server).written + after.postgres.minus(before.postgres).written
	s.bench.report.add(s.section, "peak memory, server", "MB", column, megabytes(after.server.peak))
	s.bench.report.add(s.section, "written to the disk", "MB/1,000 runs", column, megabytes(written)/thousands)
}

// commitCount is how many commits there were until a number of runs.
type commitCount struct {
	commits uint32
	runs    int
}

// commits counts the commits of a server on SQLite.
func (s *scene) commits() (commitCount, error) {
	c := commitCount{runs: s.inbox.count()}
	if s.engine != sqliteEngine {
		return c, nil
	}
	var err error
	c.commits, err = walCommits(s.database)
	return c, err
}

func (s *scene) reportCommits(before commitCount) error {
	if s.engine != sqliteEngine {
		return nil
	}
	after, err := s.commits()
	s.bench.report.add(s.section, "commits", "/run", columnSQLite, float64(after.commits-before.commits)/float64(after.runs-before.runs))
	return err
}
