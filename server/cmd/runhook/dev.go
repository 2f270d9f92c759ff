package main

import (
	"context"
	"io"
	"os"
	"runtime"

	"github.com/runhook/runhook/server/internal/cli/dev"
)

type devCommand struct {
	URL    string  `arg:"" optional:"" help:"The app, such as http://localhost:3000/api/trigger; a port or host:port will do. Default: the usual ports of this machine are tried."`
	Server string  `env:"RUNHOOK_API_URL,TRIGGER_API_URL" default:"http://127.0.0.1:3030" placeholder:"URL" help:"The server. Default: ${default}."`
	APIKey keyText `name:"api-key" env:"RUNHOOK_API_KEY,TRIGGER_API_KEY" placeholder:"KEY" help:"The secret key of the environment, usually DEVELOPMENT (tr_dev_...), as the app has it."`
}

// Run registers the app and shows what its runs do.
func (c *devCommand) Run(ctx context.Context, s streams) error {
	if err := c.APIKey.checkSecret(); err != nil {
		return err
	}
	return dev.Run(ctx, dev.Config{AppURL: c.URL, ServerURL: c.Server, APIKey: string(c.APIKey), Out: s.out, Colour: hasColour(s.out)})
}

// hasColour reports whether a writer is a terminal that shows colours. Consoles of
// Windows may not know the sequences.
func hasColour(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && runtime.GOOS != "windows"
}
