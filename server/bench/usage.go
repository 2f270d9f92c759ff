package main

import (
	"os"
	"runtime"
)

// usages is what each side has used, and how many runs there were until then.
type usages struct {
	server, app, clients, postgres usage
	machine                        machineTime
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
	u.machine = machineTimes()
	return u
}

// since returns the seconds of processor time that all sides have used since
// before, for each 1,000 of a number; 0 where that is not known.
func (u usages) since(before usages, number int) (seconds float64) {
	for _, used := range []usage{
		u.server.minus(before.server), u.postgres.minus(before.postgres), u.app.minus(before.app), u.clients.minus(before.clients),
	} {
		if used.known {
			seconds += used.cpu.Seconds()
		}
	}
	return seconds / (float64(number) / 1000)
}

// reportUsage prints what was used since before, for each 1,000 runs.
func (s *scene) reportUsage(column string, before usages) {
	after := s.usage()
	if !after.server.known || !before.server.known {
		return
	}
	thousands := float64(after.runs-before.runs) / 1000
	all := 0.0
	for _, side := range []struct {
		row  string
		used usage
	}{
		{rowServer, after.server.minus(before.server)},
		{rowPostgres, after.postgres.minus(before.postgres)},
		{rowApp, after.app.minus(before.app)},
		{rowClients, after.clients.minus(before.clients)},
	} {
		if side.used.known {
			all += side.used.cpu.Seconds()
			s.put(side.row, column, side.used.cpu.Seconds()/thousands)
		}
	}
	s.put(rowAll, column, all/thousands)
	s.put(rowTimeFloor, column, 1000*float64(runtime.NumCPU())*thousands/all)
	others := after.machine.busy - before.machine.busy - all
	s.put(rowOthers, column, max(0, 100*others/(after.machine.all-before.machine.all)))
	if s.engine == "" {
		return
	}
	s.put(rowMemory, column, megabytes(after.server.peak))
	if s.engine == sqliteEngine {
		s.put(rowWritten, column, megabytes(after.server.minus(before.server).written)/thousands)
	}
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
	s.put(rowCommits, columnSQLite, float64(after.commits-before.commits)/float64(after.runs-before.runs))
	return err
}
