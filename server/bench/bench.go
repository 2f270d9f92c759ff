package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// bench is the state of one call of the program.
type bench struct {
	options options
	log     io.Writer
	report  *report

	folder   string // for databases; removed at the end
	program  string // the runhook binary
	postgres *postgresServer
	strace   string // the path of strace, empty if it cannot be used
	identity identity

	// postgresError is why PostgreSQL cannot be measured.
	postgresError error

	// The floors of this round, in runs per second.
	hopFloors    map[int]float64
	commitFloors map[floorKey]float64
	databases    int // made so far, for their names
}

// prepare makes what all measurements need.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.options.folder != "" {
		// PostgreSQL's folder is made by another package, which follows TMPDIR.
		if err := os.Setenv("TMPDIR", b.options.folder); err != nil {
			return err
		}
	}
	if b.folder, err = os.MkdirTemp("", "runhook-bench-"); err != nil {
		return err
	}
	if b.identity, err = newIdentity(b.folder); err != nil {
		return err
	}
	if !b.options.inProcess {
		if err := b.build(ctx); err != nil {
			return err
		}
	}
	if b.wants(postgresEngine) && !b.options.skipPostgres {
		if b.postgres, b.postgresError = startPostgres(ctx); b.postgresError != nil {
			b.postgresError = fmt.Errorf("%w (-skip-postgres measures without it)", b.postgresError)
		}
	}
	b.strace = findStrace(ctx)
	return nil
}

// build makes the server's program, unless one was given.
func (b *bench) build(ctx context.Context) error {
	if b.program = b.options.server; b.program != "" {
		return nil
	}
	b.program = filepath.Join(b.folder, "runhook")
	command := exec.CommandContext(ctx, "go", "build", "-o", b.program, "github.com/runhook/runhook/server/cmd/runhook")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the server (run this from inside the source tree, or give -server): %w\n%s", err, output)
	}
	return nil
}

func (b *bench) close() error {
	var errs []error
	if b.postgres != nil {
		errs = append(errs, b.postgres.close())
	}
	if b.folder != "" {
		errs = append(errs, os.RemoveAll(b.folder))
	}
	return errors.Join(errs...)
}

// profiled calls fn while the profiles that were asked for are taken.
func (b *bench) profiled(fn func() error) (err error) {
	if name := b.options.cpuProfile; name != "" {
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if name := b.options.memoryProfile; name != "" {
		runtime.MemProfileRate = 8 << 10
		defer func() { err = errors.Join(err, writeAllocations(name)) }()
	}
	return fn()
}

func writeAllocations(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}

// progress says on the error stream what is being done.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(b.log, format+"\n", args...)
}
