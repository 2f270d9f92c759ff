package main

import (
	"time"

	"github.com/runhook/runhook/server/internal/cli/console"
	"github.com/runhook/runhook/server/internal/cli/remote"
)

// serverFlags are what every command that asks a server something needs.
type serverFlags struct {
	Server string  `env:"RUNHOOK_API_URL,TRIGGER_API_URL" default:"http://127.0.0.1:3030" placeholder:"URL" help:"The server. Default: ${default}."`
	APIKey keyText `name:"api-key" env:"RUNHOOK_API_KEY,TRIGGER_API_KEY" placeholder:"KEY" help:"The secret key of the environment (tr_...)."`
	JSON   bool    `name:"json" env:"RUNHOOK_JSON" help:"Write the answer of the server as JSON."`
}

// console returns the console that the flags describe, or says which is wrong.
func (f *serverFlags) console(s streams) (*console.Console, error) {
	if err := f.APIKey.checkSecret(); err != nil {
		return nil, err
	}
	server, err := remote.New(f.Server, string(f.APIKey))
	if err != nil {
		return nil, &usageError{"--server (RUNHOOK_API_URL)", err}
	}
	return &console.Console{Server: server, Out: s.out, JSON: f.JSON, Colour: hasColour(s.out), Now: time.Now}, nil
}
