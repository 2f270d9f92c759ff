package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// measurement is one line of the plan. It adds its figures to the report.
type measurement struct {
	name string
	// once is set for what is measured in the last round only.
	once bool
	make func(ctx context.Context) error
}

// The engines, as measurements name them.
const (
	sqliteEngine   = "sqlite"
	postgresEngine = "postgres"
)

func columnOf(engine string) string {
	if engine == postgresEngine {
		return columnPostgres
	}
	return columnSQLite
}

// plan lists the measurements of one round. A floor comes right before what
// stands on it, so that both meet the machine in the same state.
func (b *bench) plan() []measurement {
	plan := []measurement{{name: "floor/sync", make: b.measureSync}}
	engines := []string{sqliteEngine, postgresEngine}
	for _, engine := range engines {
		plan = append(plan, measurement{name: engine + "/commits", make: func(ctx context.Context) error { return b.measureCommits(ctx, engine) }})
	}
	for _, tasks := range taskCounts {
		name := fmt.Sprintf("/%d-tasks", tasks)
		plan = append(plan, measurement{name: "floor" + name, make: func(ctx context.Context) error { return b.measureHops(ctx, tasks) }})
		for _, engine := range engines {
			plan = append(plan, measurement{name: engine + name, make: func(ctx context.Context) error { return b.measureRuns(ctx, engine, tasks) }})
		}
		plan = append(plan, measurement{name: sqliteEngine + name + "/syncs", once: true, make: func(ctx context.Context) error { return b.measureSyncs(ctx, tasks) }})
	}
	for _, engine := range engines {
		plan = append(plan,
			measurement{name: engine + "/events", make: func(ctx context.Context) error { return b.measureEvents(ctx, engine) }},
			measurement{name: engine + "/queue", make: func(ctx context.Context) error { return b.measureQueue(ctx, engine) }},
			measurement{name: engine + "/backlog", make: func(ctx context.Context) error { return b.measureBacklog(ctx, engine, verifying) }},
			measurement{name: engine + "/backlog-counted", make: func(ctx context.Context) error { return b.measureBacklog(ctx, engine, counting) }},
			measurement{name: engine + "/isolation", make: func(ctx context.Context) error { return b.measureIsolation(ctx, engine) }})
	}
	plan = append(plan, measurement{name: "floor/times", make: b.measureHopTimes})
	for _, engine := range engines {
		plan = append(plan, measurement{name: engine + "/times", make: func(ctx context.Context) error { return b.measureTimes(ctx, engine) }})
	}
	return plan
}

// wants reports whether any measurement of an engine was asked for.
func (b *bench) wants(engine string) bool {
	for _, m := range b.plan() {
		if len(m.name) > len(engine) && m.name[:len(engine)+1] == engine+"/" && b.options.only.MatchString(m.name) {
			return true
		}
	}
	return false
}

// measure makes every measurement that was asked for, round by round.
func (b *bench) measure(ctx context.Context) error {
	made := 0
	for round := 1; round <= b.options.rounds; round++ {
		for _, m := range b.plan() {
			isPostgres := len(m.name) > len(postgresEngine) && m.name[:len(postgresEngine)] == postgresEngine
			if !b.options.only.MatchString(m.name) || (m.once && round < b.options.rounds) || (isPostgres && b.postgres == nil) {
				continue
			}
			b.progress("round %d of %d: %s", round, b.options.rounds, m.name)
			if err := m.make(ctx); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			made++
		}
	}
	if made == 0 && b.postgresError == nil {
		return errors.New("-only matches no measurement; names are like sqlite/0-tasks, postgres/times, floor/3-tasks, sqlite/commits")
	}
	return nil
}

// The sections of the table.
const (
	sectionCommits = "The disk"
	sectionStart   = "Start-up, from exec until /readyz answers 200"
)

func (b *bench) sectionTimes() string {
	return fmt.Sprintf("Times at %g runs/s, arriving at random, 0 tasks", b.options.perSecond)
}

// The rows of a section of runs, in the order they are shown.
const (
	rowRuns        = "runs completed, webhook delivered"
	rowShare       = "share of what HTTP alone reaches"
	rowCommitFloor = "what commits alone would allow"
	rowTimeFloor   = "what the processor time used would allow"
	rowAll         = "processor time, all of it"
	rowServer      = "processor time, server"
	rowPostgres    = "processor time, PostgreSQL"
	rowApp         = "processor time, app"
	rowClients     = "processor time, clients and receiver"
	rowOthers      = "processor time, other programs meanwhile"
	rowMemory      = "peak memory, server"
	rowCommits     = "commits"
	rowSyncs       = "syncs"
	rowWritten     = "written (PostgreSQL: to its log)"
	rowGrowth      = "growth of the database"
)

const (
	perSecond   = "runs/s"
	perThousand = "s/1,000 runs"
	perRun      = "/run"
	diskUnit    = "MB/1,000 runs"
)

// runsSection returns the name of a section of runs, whose rows are in the report
// from then on.
func (b *bench) runsSection(tasks int) string {
	section := fmt.Sprintf("Runs of %d tasks, %d clients", tasks, b.options.clients)
	for _, row := range [][2]string{
		{rowRuns, perSecond}, {rowShare, "%"}, {rowCommitFloor, perSecond}, {rowTimeFloor, perSecond},
		{rowAll, perThousand}, {rowServer, perThousand}, {rowPostgres, perThousand}, {rowApp, perThousand}, {rowClients, perThousand},
		{rowOthers, "% of all"}, {rowMemory, "MB"}, {rowCommits, perRun}, {rowSyncs, perRun}, {rowWritten, diskUnit}, {rowGrowth, diskUnit},
	} {
		b.report.row(section, row[0], row[1])
	}
	return section
}

// put adds a figure to a section of runs.
func (s *scene) put(row, column string, value float64) {
	s.bench.report.add(s.section, row, "", column, value)
}

// measureSync measures the disk below everything.
func (b *bench) measureSync(context.Context) error {
	took, err := syncTime(b.folder, 200)
	b.report.add(sectionCommits, "fsync after 4 KiB, p50", "ms", columnFloor, took)
	return err
}

// measureCommits measures what an engine commits when that is all there is to do.
func (b *bench) measureCommits(ctx context.Context, engine string) (err error) {
	db, remove, err := b.openDatabase(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(), remove()) }()
	column := columnOf(engine)
	rate, err := commitRate(ctx, db, b.options.clients, b.options.duration/2)
	if err != nil {
		return err
	}
	b.report.add(sectionCommits, fmt.Sprintf("transactions of one row, %d writers", b.options.clients), "/s", column, rate)
	alone, err := commitTime(ctx, db, 25)
	b.report.add(sectionCommits, "transaction of one row, alone, p50", "ms", column, alone)
	for _, tasks := range taskCounts {
		b.commitFloors[floorKey{engine, tasks}] = rate / float64(transactionsPerRun(tasks))
	}
	return err
}

// measureHops measures what HTTP alone reaches.
func (b *bench) measureHops(ctx context.Context, tasks int) error {
	return b.withHops(ctx, tasks, func(s *scene) error {
		s.section = b.runsSection(tasks)
		before := s.usage()
		runs, took, err := s.saturate(ctx, b.options.duration/2)
		if err != nil {
			return err
		}
		rate := float64(runs) / took.Seconds()
		s.put(rowRuns, columnFloor, rate)
		b.hopFloors[tasks] = rate
		s.reportUsage(columnFloor, before)
		return nil
	})
}

// measureRuns measures a server under as much load as the clients can make.
func (b *bench) measureRuns(ctx context.Context, engine string, tasks int) error {
	return b.withServer(ctx, engine, tasks, nil, func(s *scene) error {
		s.section = b.runsSection(tasks)
		before := s.usage()
		commits, err := s.commits()
		if err != nil {
			return err
		}
		runs, took, err := s.saturate(ctx, b.options.duration)
		if err != nil {
			return err
		}
		rate, column := float64(runs)/took.Seconds(), columnOf(engine)
		s.put(rowRuns, column, rate)
		if floor := b.hopFloors[tasks]; floor > 0 {
			s.put(rowShare, column, 100*rate/floor)
		}
		if floor := b.commitFloors[floorKey{engine, tasks}]; floor > 0 {
			s.put(rowCommitFloor, column, floor)
		}
		s.reportUsage(column, before)
		return s.reportCommits(commits)
	})
}

// measureSyncs counts the syncs of a server on SQLite.
func (b *bench) measureSyncs(ctx context.Context, tasks int) error {
	if b.strace == "" || b.options.inProcess {
		return nil
	}
	log := b.folder + "/strace.log"
	wrapper := append([]string{b.strace}, tracing(log)...)
	return b.withServer(ctx, sqliteEngine, tasks, wrapper, func(s *scene) error {
		earlier, err := syncsIn(log)
		if err != nil {
			return err
		}
		runs := s.inbox.count()
		if _, _, err := s.saturate(ctx, b.options.duration/2); err != nil {
			return err
		}
		later, err := syncsIn(log)
		b.report.add(b.runsSection(tasks), rowSyncs, perRun, columnSQLite, float64(later-earlier)/float64(s.inbox.count()-runs))
		return err
	})
}

// measureHopTimes measures the times that HTTP alone takes.
func (b *bench) measureHopTimes(ctx context.Context) error {
	return b.withHops(ctx, 0, func(s *scene) error { return b.times(ctx, s, columnFloor) })
}

// measureTimes measures how long runs take when there is little else to do.
func (b *bench) measureTimes(ctx context.Context, engine string) error {
	return b.withServer(ctx, engine, 0, nil, func(s *scene) error { return b.times(ctx, s, columnOf(engine)) })
}

func (b *bench) times(ctx context.Context, s *scene, column string) error {
	measured, err := s.load.trickle(ctx, b.options.perSecond, b.options.duration)
	if err != nil {
		return err
	}
	for _, point := range []struct {
		name string
		took []float64
	}{{"invoke to first line of job code", measured.toCode}, {"invoke to webhook received", measured.toWebhook}, {"end of run to webhook received", measured.fromEnd}} {
		for _, q := range []float64{0.5, 0.95, 0.99} {
			b.report.add(b.sectionTimes(), fmt.Sprintf("%s, p%.0f", point.name, 100*q), "ms", column, quantile(point.took, q))
		}
	}
	return nil
}

// floorKey names the floor of commits for runs with so many tasks.
type floorKey struct {
	engine string
	tasks  int
}

// warm has the same load run for a while.
func (b *bench) warm(ctx context.Context, s *scene) error {
	if b.options.warmUp <= 0 {
		return nil
	}
	_, _, err := s.saturate(ctx, b.options.warmUp)
	// What the load has left behind, such as garbage, is not the measurement's.
	return errors.Join(err, sleepUntil(ctx, time.Now().Add(50*time.Millisecond)))
}
