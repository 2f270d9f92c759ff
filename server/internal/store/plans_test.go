package store_test

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// planRows is how many runs the plans of PostgreSQL are made for. The default is
// enough for it to prefer an index wherever there is one; 1,000,000 takes a
// minute.
var planRows = flag.Int("planrows", 20_000, "how many runs to make plans for on PostgreSQL")

// growing are the tables whose rows stay for as long as history is kept or that an
// environment may have very many of, with their aliases in joins. No statement may read one from end to end.
var growing = []string{
	"events", "e", "runs", "r", "tasks", "task_attempts", "run_statuses",
	"notifications", "notification_attempts", "notification_bodies", "accounts", "a", "endpoint_indexes",
	"dispatchers", "d", "dispatcher_events", "event_waits", "key_values", "schedules", "source_deliveries", "source_queues", "trigger_sources", "s",
}

// smallIndexes hold only rows that wait for something, are worked on or were set aside.
var smallIndexes = regexp.MustCompile(`_(due|leased|limited|parked|operations|expiring|open|pending|set_aside)$`)

// testPlans asks the engine how it would execute each statement.
func testPlans(t *testing.T, url string, statements []statement) {
	s := open(t, store.Options{URL: url})
	db := store.Database(s)
	check := scanned
	if db.Dialect().Name == "postgres" {
		fill(t, db, *planRows)
		check = expensive
	}
	for _, statement := range statements {
		plan, err := explain(t.Context(), db, statement)
		if err != nil {
			t.Errorf("%s: %v", statement.method, err)
			continue
		}
		problem := check(plan)
		if problem == "" && ofRun.MatchString(statement.query) && wholeEnvironment.MatchString(strings.Join(plan, "\n")) {
			problem = "it looks for the rows of a run among all of its environment's"
		}
		if problem == "" && strings.Contains(strings.Join(plan, " "), "_leased") && !slices.Contains(ofAProcess, statement.method) {
			problem = "it scans all that a process has leased"
		}
		if problem != "" && !slices.Contains(reviewedPlans, statement.method) {
			t.Errorf("%s: %s:\n%s\n%s", statement.method, problem, strings.Join(plan, "\n"), statement.query)
		}
	}
}

var (
	// ofRun is the condition that a row belongs to a run that is given.
	ofRun = regexp.MustCompile(`\brun_id = \$`)
	// wholeEnvironment is how SQLite reads all that an environment has.
	wholeEnvironment = regexp.MustCompile(`SEARCH \w+ USING .*\(environment_id=\?( AND id<\?)?\)`)
)

// ofAProcess are the methods that are about everything a process has leased.
var ofAProcess = []string{"(*Tx).ReleaseNode", "(*Tx).ReleaseLostNode", "(*Tx).ForceYields", "(*Tx).LostOwners", "(*Tx).LeasedTo", "(*Tx).Indexing", "(*Tx).Breaches", "(*Tx).ExecutionsOfEndpoint"}

// reviewedPlans are the methods whose plans may be expensive, all of them for
// people who look at something.
var reviewedPlans = []string{
	"(*Tx).Breaches",               // looks at a span of rows, which is all where the suite has few
	"(*Tx).LostOwners",             // looks at all that is leased
	"(*Tx).LeasedTo",               // looks at all that a process has leased
	"(*Tx).ReleaseLostNode",        // looks at the tasks of all runs that a process has leased
	"(*Tx).Indexing",               // looks at all indexings under way, of which a process has few at once
	"(*Tx).Repair",                 // looks at all that is due under a limit, once for a row that is broken
	"(*Tx).Events",                 // looks at a window of events, which is all where the suite has few
	"(*Tx).Environments",           // reads all of a small table, whose alias another table has
	"(*Tx).Runs",                   // looks at a window of runs, which is all where the suite has few
	"(*Tx).SkipTicksOfEnvironment", // looks at all schedules of an environment, once when that is switched on
	"(*Tx).DueAhead",               // counts runs that are due, up to 10,000, in their index
	"(*Tx).ExecutionsOfEndpoint",   // looks at all runs that are executed
	"(*Tx).HaveDueRuns",            // looks at one run, of those that are due
	"(*Tx).NextDueRunBut",          // looks at runs that are due until one is small, while a large one waits for memory
}

// explain returns the plan of a statement, a step on each line.
func explain(ctx context.Context, db database.DB, s statement) (plan []string, err error) {
	args := slices.Clone(s.args)
	words, columns := "EXPLAIN QUERY PLAN ", []any{new(int64), new(int64), new(int64)}
	if db.Dialect().Name == "postgres" {
		words, columns = "EXPLAIN ", nil
		for i := range args {
			args[i] = typical(args[i])
		}
	}
	var step string
	err = db.View(ctx, func(c database.Conn) error {
		rows, err := c.Query(words+s.query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(append(columns, &step)...); err != nil {
				return err
			}
			plan = append(plan, step)
		}
		return rows.Err()
	})
	return plan, err
}

// scanned says which growing table a plan of SQLite reads from end to end. SQLite
// plans by the indexes alone as long as ANALYZE is not run, which the server
// never does: an empty database has the plans of a large one.
func scanned(plan []string) string {
	for _, step := range plan {
		words := strings.Fields(step)
		if words[0] != "SCAN" || !slices.Contains(growing, words[1]) || smallIndexes.MatchString(step) {
			continue
		}
		return "it reads all of " + words[1]
	}
	return ""
}

var (
	seqScan   = regexp.MustCompile(`Seq Scan on (\w+)`)
	planCost  = regexp.MustCompile(`cost=[\d.]+\.\.([\d.]+)`)
	givenRows = regexp.MustCompile(`Function Scan on json_each_text .* rows=(\d+)`)
)

// expensive says why a plan of PostgreSQL gets slower with history.
func expensive(plan []string) string {
	for _, step := range plan {
		if found := seqScan.FindStringSubmatch(step); found != nil && slices.Contains(growing, found[1]) {
			return "it reads all of " + found[1]
		}
	}
	// To read the rows of one run costs a few units, to read all runs thousands; to
	// change rows that are given by their ids, less than ten for each.
	most := 300
	if given := givenRows.FindStringSubmatch(strings.Join(plan, "\n")); given != nil {
		rows, _ := strconv.Atoi(given[1])
		most = max(most, 10*rows)
	}
	found := planCost.FindStringSubmatch(plan[0])
	if found == nil {
		return "it has no cost"
	}
	if cost, err := strconv.ParseFloat(found[1], 64); err != nil || cost > float64(most) {
		return fmt.Sprintf("it costs %s units, more than %d", found[1], most)
	}
	return ""
}
