package main

import "github.com/runhook/runhook/server/internal/limits"

// listenFlags say how callers reach the server, and what they may take of it.
type listenFlags struct {
	MaxConnections           int    `env:"RUNHOOK_MAX_CONNECTIONS" default:"0" placeholder:"N" help:"How many connections there may be at once; beyond that, one that is idle or slow is closed for a new one. Default: up to 8192, as the memory and the limit of descriptors allow."`
	MaxConnectionsPerAddress int    `env:"RUNHOOK_MAX_CONNECTIONS_PER_ADDRESS" default:"0" placeholder:"N" help:"How many of them one address (for IPv6, one /64) may have, and how many requests in progress. Default: half of all."`
	Memory                   string `env:"RUNHOOK_MEMORY" placeholder:"BYTES" help:"How much memory the server may use, such as 512MiB or 2GiB. Default: what its control group may, or without a limit there, any amount."`
	SpoolDir                 string `env:"RUNHOOK_SPOOL_DIR" placeholder:"FOLDER" help:"Where long request bodies are kept while they arrive, up to 768 MiB in all. Default: beside the SQLite file, or the system's folder for temporary files."`
	TLSCert                  string `name:"tls-cert" env:"RUNHOOK_TLS_CERT" placeholder:"FILE" help:"A certificate (PEM, with those between it and the authority's) to serve HTTPS with. It and its key are read anew when the files change. Default: none, which serves HTTP."`
	TLSKey                   string `name:"tls-key" env:"RUNHOOK_TLS_KEY" placeholder:"FILE" help:"The key of the certificate (PEM). Default: none."`
	HealthAddr               string `env:"RUNHOOK_HEALTH_ADDR" placeholder:"HOST:PORT" help:"An address of its own for /healthz and /readyz, over HTTP. Default: none; they are at --addr."`
}

// memory returns how many bytes of memory the server may use; 0 for any number.
func (f *listenFlags) memory() (int64, error) {
	if f.Memory == "" {
		return limits.Memory(), nil
	}
	memory, err := limits.ParseSize(f.Memory)
	if err != nil {
		return 0, &usageError{settings["Memory"], err}
	}
	return memory, nil
}
