package main

import (
	"errors"
	"strings"

	"github.com/runhook/runhook/server/internal/console"
	"github.com/runhook/runhook/server/internal/remote"
)

// serverFlags are what every command that asks a server something needs.
type serverFlags struct {
	Server string `env:"RUNHOOK_URL,RUNHOOK_API_URL,TRIGGER_API_URL" default:"http://127.0.0.1:3030" placeholder:"URL" help:"The server. Default: ${default}."`
	APIKey string `name:"api-key" env:"RUNHOOK_API_KEY,TRIGGER_API_KEY" placeholder:"KEY" help:"The secret key of the environment (tr_...)."`
	JSON   bool   `name:"json" env:"RUNHOOK_JSON" help:"Write the answer of the server as JSON."`
}

// console returns the console that the flags describe, or says which is wrong.
func (f *serverFlags) console(s streams) (*console.Console, error) {
	const setting = "--api-key (RUNHOOK_API_KEY, TRIGGER_API_KEY)"
	switch {
	case f.APIKey == "":
		return nil, &usageError{setting, errors.New("is missing. See the keys with: runhook keys")}
	case !strings.HasPrefix(f.APIKey, "tr_"):
		return nil, &usageError{setting, errors.New("is not a secret key, which starts with tr_. See the keys with: runhook keys")}
	}
	server, err := remote.New(f.Server, f.APIKey)
	if err != nil {
		return nil, &usageError{"--server (RUNHOOK_URL)", err}
	}
	return &console.Console{Server: server, Out: s.out, JSON: f.JSON}, nil
}
