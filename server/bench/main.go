package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	duration, warmUp time.Duration
	rounds           int
	clients, payload int
	backlog          int
	queued           int
	listeners        int
	perSecond        float64
	app              string
	waitFor          string
	only             *regexp.Regexp
	skipPostgres     bool
	inProcess        bool
	cpuProfile       string
	memoryProfile    string
	jsonFile         string
	folder           string
	server           string
}

// The apps that can be measured with.
const (
	appSDK = "sdk"
	appRaw = "raw"
)

// What a client waits for before it invokes the next run.
const (
	waitForWebhook = "webhook"
	waitForAnswer  = "answer"
)

func parse(arguments []string, errors io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errors)
	flags.DurationVar(&o.duration, "duration", 4*time.Second, "how long each measurement takes")
	flags.DurationVar(&o.warmUp, "warmup", 500*time.Millisecond, "how long the same load runs before it is measured")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each measurement is made; the table shows medians")
	flags.IntVar(&o.clients, "clients", 32, "how many clients invoke runs")
	flags.IntVar(&o.payload, "payload", 500, "bytes of JSON that each run is invoked with")
	flags.IntVar(&o.backlog, "backlog", 20_000, "how many notifications a backlog has, in hundreds")
	flags.IntVar(&o.queued, "queued", 2000, "how many runs are queued when a server starts, for the measurement queue; try 1000000")
	flags.IntVar(&o.listeners, "listeners", 10_000, "how many jobs listen to events, for the measurement events")
	flags.Float64Var(&o.perSecond, "rate", 20, "runs a second when times are measured; they arrive at random")
	flags.StringVar(&o.app, "app", appSDK, "the app that holds the jobs: sdk (the Go SDK) or raw (the least that speaks the protocol)")
	flags.StringVar(&o.waitFor, "wait", waitForWebhook, "what a client waits for before its next run: webhook or answer")
	flags.BoolVar(&o.skipPostgres, "skip-postgres", false, "measure without PostgreSQL")
	flags.BoolVar(&o.inProcess, "in-process", false, "run server, app and clients in this process")
	flags.StringVar(&o.cpuProfile, "cpuprofile", "", "write a processor profile to `FILE` (needs -in-process)")
	flags.StringVar(&o.memoryProfile, "memprofile", "", "write a profile of allocations to `FILE` (needs -in-process)")
	flags.StringVar(&o.jsonFile, "json", "", "write every figure of every round to `FILE`, too")
	flags.StringVar(&o.folder, "dir", "", "`FOLDER` for the databases, on the disk to measure (default: the system's for temporary files)")
	flags.StringVar(&o.server, "server", "", "the runhook `PROGRAM` to measure (default: built from this source)")
	only := flags.String("only", "", "make only the measurements whose name matches the regular expression; names are like sqlite/0-tasks")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	return o, o.check(flags.Args())
}

func (o options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unknown argument %q", rest[0])
	case o.app != appSDK && o.app != appRaw:
		return fmt.Errorf("-app: want %s or %s, not %q", appSDK, appRaw, o.app)
	case o.waitFor != waitForWebhook && o.waitFor != waitForAnswer:
		return fmt.Errorf("-wait: want %s or %s, not %q", waitForWebhook, waitForAnswer, o.waitFor)
	case o.clients < 1 || o.rounds < 1 || o.backlog < 1 || o.duration <= 0 || o.warmUp < 0 || o.perSecond <= 0:
		return errors.New("-clients, -rounds, -backlog, -duration and -rate must be positive")
	case o.queued < 2:
		return fmt.Errorf("-queued: at least 2, not %d", o.queued)
	case o.listeners < matching:
		return fmt.Errorf("-listeners: at least %d, not %d", matching, o.listeners)
	case o.payload < smallestPayload:
		return fmt.Errorf("-payload: at least %d bytes", smallestPayload)
	case !o.inProcess && (o.cpuProfile != "" || o.memoryProfile != ""):
		return errors.New("-cpuprofile and -memprofile are of this process: add -in-process")
	}
	return nil
}

// run measures, or plays the part of a child process, and returns when all that
// it started is gone.
func run(ctx context.Context, arguments []string, out, log io.Writer) (err error) {
	if len(arguments) > 0 {
		if part, ok := parts[arguments[0]]; ok {
			return part(ctx, arguments[1:])
		}
	}
	o, err := parse(arguments, log)
	if err != nil {
		return err
	}
	b := &bench{options: o, log: log, report: &report{}, hopFloors: map[int]float64{}, commitFloors: map[floorKey]float64{}}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if err := b.profiled(func() error { return b.measure(ctx) }); err != nil {
		return err
	}
	if err := b.report.print(out, b); err != nil {
		return err
	}
	if o.jsonFile != "" {
		err = b.report.writeJSON(o.jsonFile)
	}
	return errors.Join(err, b.postgresError)
}
