// Command runhook runs a Runhook server and helps people with one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line. Each flag can be set by its variable instead.
type commands struct {
	Serve    serveCommand    `cmd:"" help:"Run the server."`
	Register registerCommand `cmd:"" help:"Register an app in an environment, and list its jobs."`
	Dev      devCommand      `cmd:"" help:"Register the app you are developing, and show its runs as they happen."`
	Keys     keysCommand     `cmd:"" help:"Show the keys of the environments."`
	Open     openCommand     `cmd:"" help:"Show a link that opens the dashboard: once, and within ten minutes."`
	Verify   verifyCommand   `cmd:"" help:"Verify a recorded completion webhook, and name the check that fails."`
	Listen   listenCommand   `cmd:"" help:"Show every run that ends, and forward its notification to a program on this machine."`

	Runs          runsCommand          `cmd:"" help:"List, inspect, cancel, continue and re-run runs."`
	Notifications notificationsCommand `cmd:"" help:"List, inspect, resend and replay notifications."`
	Subscriptions subscriptionsCommand `cmd:"" help:"Manage subscriptions, which send notifications of all matching runs to a URL."`

	Doctor    doctorCommand  `cmd:"" help:"Check the consistency of a database, also while servers use it."`
	Backup    backupCommand  `cmd:"" help:"Copy a SQLite database to a file, also while a server uses it."`
	Restore   restoreCommand `cmd:"" help:"Restore a SQLite database from a copy."`
	MigrateDB migrateCommand `cmd:"" name:"migrate-db" help:"Move everything from SQLite to PostgreSQL."`

	ShowVersion kong.VersionFlag `name:"version" help:"Show the version of this program."`

	Version versionCommand `cmd:"" help:"Show the version of this program."`
	Demo    demoCommand    `cmd:"" help:"Show on real files that a job survives the death of its server."`

	DemoServer demoServerCommand `cmd:"" hidden:""`
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ignoreFileSizeSignal()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(status)
}

// The exit statuses of the program.
const (
	succeeded  = 0
	failed     = 1
	wrongUsage = 2
)

// errReported is the error of a command that has already said what is wrong.
var errReported = errors.New("reported")

// run parses the arguments, runs the command they name, and returns the status
// to exit with.
func run(ctx context.Context, arguments []string, s streams) int {
	exit := -1
	parser, err := kong.New(&commands{},
		kong.Name("runhook"),
		kong.Description("Durable background jobs with completion webhooks."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exit = code }),
		kong.Vars{"version": "runhook " + version()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		fmt.Fprintln(s.err, "runhook:", err)
		return failed
	}
	parsed, err := parser.Parse(arguments)
	if exit >= 0 {
		return exit // --help
	}
	if err != nil {
		fmt.Fprintf(s.err, "runhook: %s\nTry: runhook --help\n", withVariable(parser.Model, err))
		return wrongUsage
	}
	warnOfOldVariable(parsed, s.err)
	var usage *usageError
	switch err := parsed.Run(); {
	case err == nil:
		return succeeded
	case errors.As(err, &usage):
		fmt.Fprintln(s.err, "runhook:", err)
		return wrongUsage
	case errors.Is(err, errReported):
		return failed
	default:
		fmt.Fprintln(s.err, "runhook:", err)
		return failed
	}
}

// warnOfOldVariable says that RUNHOOK_URL is not read, where it is set and a command that
// calls a server is not given another URL.
func warnOfOldVariable(parsed *kong.Context, w io.Writer) {
	if os.Getenv("RUNHOOK_URL") == "" || os.Getenv("RUNHOOK_API_URL") != "" || os.Getenv("TRIGGER_API_URL") != "" {
		return
	}
	for _, flag := range parsed.Flags() {
		if flag.Name == "server" && flag.Target.String() == flag.Default {
			fmt.Fprintln(w, "runhook: RUNHOOK_URL is not read; set RUNHOOK_API_URL, as for the SDK")
		}
	}
}

// withVariable returns the text of an error of parsing, with the variable of the
// flag that it is about.
func withVariable(model *kong.Application, err error) string {
	text := err.Error()
	name, rest, found := strings.Cut(text, ":")
	if !found {
		return text
	}
	for _, command := range model.Leaves(true) {
		for _, flag := range command.Flags {
			if name == "--"+flag.Name && len(flag.Envs) > 0 {
				return fmt.Sprintf("%s (%s):%s", name, flag.Envs[0], rest)
			}
		}
	}
	return text
}
