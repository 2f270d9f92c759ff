package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"

	"github.com/runhook/runhook/server/internal/dev"
)

type devCommand struct {
	URL    string `arg:"" optional:"" help:"The app, such as http://localhost:3000/api/trigger; a port or host:port will do. Default: the usual ports of this machine are tried."`
	Server string `env:"RUNHOOK_API_URL,TRIGGER_API_URL" default:"http://127.0.0.1:3030" placeholder:"URL" help:"The server. Default: ${default}."`
	APIKey string `name:"api-key" env:"RUNHOOK_API_KEY,TRIGGER_API_KEY" placeholder:"KEY" help:"The secret key of the environment, usually DEVELOPMENT (tr_dev_...), as the app has it."`
}

// Run registers the app and shows what its runs do.
func (c *devCommand) Run(ctx context.Context, s streams) error {
	const setting = "--api-key (RUNHOOK_API_KEY, TRIGGER_API_KEY)"
	switch {
	case c.APIKey == "":
		return &usageError{setting, errors.New("is missing: give the one of DEVELOPMENT, which starts with tr_dev_, as the app has it. See the keys with: runhook keys")}
	case !strings.HasPrefix(c.APIKey, "tr_"):
		return &usageError{setting, errors.New("is not a secret key, which starts with tr_. See the keys with: runhook keys")}
	}
	config := dev.Config{AppURL: c.URL, ServerURL: c.Server, APIKey: c.APIKey, Out: s.out}
	// Consoles of Windows may not know the sequences.
	config.Colour = isTerminal(s.out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && runtime.GOOS != "windows"
	return dev.Run(ctx, config)
}
