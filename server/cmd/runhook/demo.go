package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/runhook/runhook/server/internal/cli/demo"
)

type demoCommand struct {
	Files   []string `arg:"" optional:"" name:"file" help:"Text files to examine. Default: four short texts that come with the program."`
	JSON    bool     `name:"json" env:"RUNHOOK_DEMO_JSON" help:"Write the full notifications to standard output, as a JSON array, and everything else to standard error."`
	NoCrash bool     `env:"RUNHOOK_DEMO_NO_CRASH" help:"Do not kill the server half-way."`
	DataDir string   `env:"RUNHOOK_DEMO_DATA_DIR" placeholder:"FOLDER" help:"Keep the server's data in this folder. Default: a temporary one that is removed at the end."`
}

// Run shows the demo.
func (c *demoCommand) Run(ctx context.Context, s streams) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	config := demo.Config{Files: c.Files, NoCrash: c.NoCrash, DataDir: c.DataDir, Program: program, Out: s.out}
	if c.JSON {
		config.Out, config.JSON = s.err, s.out
	}
	// Consoles of Windows may not know the sequences.
	config.Terminal = isTerminal(config.Out) && os.Getenv("TERM") != "dumb" && runtime.GOOS != "windows"
	config.Colour = config.Terminal && os.Getenv("NO_COLOR") == ""
	if err := demo.Run(ctx, config); !errors.Is(err, demo.ErrUnexpected) {
		return err
	}
	return errReported
}

// demoServerCommand is "serve" as the demo starts it: it serves until its
// standard input is closed, which happens even when the demo is killed, and
// leaves Ctrl-C to the demo.
type demoServerCommand struct{ serveCommand }

// Run serves until standard input is closed.
func (c *demoServerCommand) Run(ctx context.Context, s streams) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return c.serveCommand.Run(ctx, s)
}
