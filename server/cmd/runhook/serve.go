package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
)

// databaseFlags are what every command that opens the database needs.
type databaseFlags struct {
	DB            string `name:"db" env:"RUNHOOK_DB" default:"sqlite:./runhook-data/runhook.db" placeholder:"URL" help:"The database: sqlite:PATH, or postgres://... (15 or later). Default: ${default}."`
	EncryptionKey string `env:"RUNHOOK_ENCRYPTION_KEY" placeholder:"KEY" help:"32 random bytes, as hexadecimal or Base64, that encrypt the secrets in the database. Default: a key file made beside the SQLite file, or a key kept in the PostgreSQL database."`
}

type serveCommand struct {
	databaseFlags
	listenFlags
	Addr           string          `env:"RUNHOOK_ADDR" default:"127.0.0.1:3030" placeholder:"HOST:PORT" help:"The address to listen on. Default: ${default}."`
	PublicURL      string          `env:"RUNHOOK_PUBLIC_URL" placeholder:"URL" help:"The base URL at which apps and other services reach this server. Default: http:// or, with --tls-cert, https://, and the address."`
	EgressAllow    string          `env:"RUNHOOK_EGRESS_ALLOW" placeholder:"CIDRS" help:"Address ranges, separated by commas, to which outgoing requests are allowed although they are private, loopback, link-local or metadata addresses. Default: none; DEVELOPMENT always reaches loopback and private ones."`
	EgressPorts    string          `env:"RUNHOOK_EGRESS_PORTS" placeholder:"PORTS" help:"Ports below 1024 and ranges of them, separated by commas, on which public hosts may be called besides 80 and 443. Default: none."`
	TrustedProxies string          `env:"RUNHOOK_TRUSTED_PROXIES" placeholder:"CIDRS" help:"The addresses of the reverse proxies in front of the server, as ranges separated by commas: their X-Forwarded-For is believed about who calls. Default: none."`
	MaxExecutions  int             `env:"RUNHOOK_MAX_EXECUTIONS" default:"512" placeholder:"N" help:"The most executions in flight. Default: ${default}."`
	MaxDeliveries  int             `env:"RUNHOOK_MAX_DELIVERIES" default:"256" placeholder:"N" help:"The most webhook deliveries in flight. Default: ${default}."`
	MaxQueuedRuns  int             `env:"RUNHOOK_MAX_QUEUED_RUNS" default:"1000000" placeholder:"N" help:"The most queued runs of an environment; beyond it, callers are answered 429 with Retry-After. 0 for no limit. Default: ${default}."`
	Schedule       []time.Duration `name:"notification-schedule" env:"RUNHOOK_NOTIFICATION_SCHEDULE" placeholder:"DURATIONS" help:"The retry schedule of notifications: the pause before each attempt, separated by commas, such as 0s,5s,1m,1h. Default: 12 attempts over 75 h 42 min."`
	KeepPayloads   string          `env:"RUNHOOK_KEEP_PAYLOADS" default:"STAGING=30d,PREVIEW=7d,DEVELOPMENT=7d" placeholder:"AGES" help:"The retention of payloads, tasks and delivery logs after a run's end, and of source requests, by environment. An environment that is not named keeps them for ever, and so do all with 'forever'. Default: ${default}."`
	KeepRuns       string          `env:"RUNHOOK_KEEP_RUNS" default:"STAGING=90d,PREVIEW=30d,DEVELOPMENT=30d" placeholder:"AGES" help:"The retention of the run itself: its id, times and status. Default: ${default}."`
	MaxRequest     int64           `env:"RUNHOOK_MAX_REQUEST" default:"10485760" placeholder:"BYTES" help:"The largest body of a request to an HTTP endpoint or webhook, in bytes. Default: ${default}."`
	Grace          time.Duration   `env:"RUNHOOK_GRACE" default:"20s" placeholder:"DURATION" help:"How long a shutdown waits for executions and deliveries in flight. Default: ${default}."`
	DevSchedules   bool            `env:"RUNHOOK_DEV_SCHEDULES" help:"Run schedules of DEVELOPMENT always, not only while runhook dev is attached to the app. Default: no."`
	LogLevel       string          `env:"RUNHOOK_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"The lowest log level: debug, info, warn or error. Default: ${default}."`
	LogFormat      string          `env:"RUNHOOK_LOG_FORMAT" default:"auto" placeholder:"FORMAT" help:"The log format: text, json, or auto for text on a terminal and json elsewhere. Default: ${default}."`
	ProdKey        string          `name:"prod-api-key" env:"RUNHOOK_PROD_API_KEY" placeholder:"KEY" help:"The secret key of PRODUCTION, such as tr_prod_ and letters and digits. Default: a random one, printed once."`
	StagingKey     string          `name:"staging-api-key" env:"RUNHOOK_STAGING_API_KEY" placeholder:"KEY" help:"The secret key of STAGING (tr_stg_...). Default: a random one."`
	DevKey         string          `name:"dev-api-key" env:"RUNHOOK_DEV_API_KEY" placeholder:"KEY" help:"The secret key of DEVELOPMENT (tr_dev_...). Default: a random one."`
	PreviewKey     string          `name:"preview-api-key" env:"RUNHOOK_PREVIEW_API_KEY" placeholder:"KEY" help:"The secret key of PREVIEW (tr_prev_...). Default: a random one."`
}

// settings name the fields of server.Config as people set them.
var settings = map[string]string{
	"Address":              "--addr (RUNHOOK_ADDR)",
	"Database":             "--db (RUNHOOK_DB)",
	"PublicURL":            "--public-url (RUNHOOK_PUBLIC_URL)",
	"EgressAllow":          "--egress-allow (RUNHOOK_EGRESS_ALLOW)",
	"TrustedProxies":       "--trusted-proxies (RUNHOOK_TRUSTED_PROXIES)",
	"EgressPorts":          "--egress-ports (RUNHOOK_EGRESS_PORTS)",
	"EncryptionKey":        "--encryption-key (RUNHOOK_ENCRYPTION_KEY)",
	"Executions":           "--max-executions (RUNHOOK_MAX_EXECUTIONS)",
	"Deliveries":           "--max-deliveries (RUNHOOK_MAX_DELIVERIES)",
	"KeepPayloads":         "--keep-payloads (RUNHOOK_KEEP_PAYLOADS)",
	"KeepRuns":             "--keep-runs (RUNHOOK_KEEP_RUNS)",
	"QueuedRuns":           "--max-queued-runs (RUNHOOK_MAX_QUEUED_RUNS)",
	"MaximumRequest":       "--max-request (RUNHOOK_MAX_REQUEST)",
	"NotificationSchedule": "--notification-schedule (RUNHOOK_NOTIFICATION_SCHEDULE)",
	"Grace":                "--grace (RUNHOOK_GRACE)",
	"From":                 "--from",
	"To":                   "--to",
	"APIKeys[PRODUCTION]":  "--prod-api-key (RUNHOOK_PROD_API_KEY)",
	"APIKeys[STAGING]":     "--staging-api-key (RUNHOOK_STAGING_API_KEY)",
	"APIKeys[DEVELOPMENT]": "--dev-api-key (RUNHOOK_DEV_API_KEY)",
	"APIKeys[PREVIEW]":     "--preview-api-key (RUNHOOK_PREVIEW_API_KEY)",
	"Connections":          "--max-connections (RUNHOOK_MAX_CONNECTIONS)",
	"PerAddress":           "--max-connections-per-address (RUNHOOK_MAX_CONNECTIONS_PER_ADDRESS)",
	"Memory":               "--memory (RUNHOOK_MEMORY)",
	"SpoolFolder":          "--spool-dir (RUNHOOK_SPOOL_DIR)",
	"TLSCertificate":       "--tls-cert (RUNHOOK_TLS_CERT)",
	"TLSKey":               "--tls-key (RUNHOOK_TLS_KEY)",
	"HealthAddress":        "--health-addr (RUNHOOK_HEALTH_ADDR)",
}

// usageError says which setting is wrong, and why.
type usageError struct {
	setting string
	err     error
}

func (e *usageError) Error() string { return fmt.Sprintf("%s: %v", e.setting, e.err) }

// inSettings names the setting of a configuration error.
func inSettings(err error) error {
	var field *server.FieldError
	if errors.As(err, &field) {
		return &usageError{settings[field.Field], field.Err}
	}
	return err
}

// databaseWait is how long serve waits at its start for a PostgreSQL that does not
// answer, such as one that is started beside it.
const databaseWait = 2 * time.Minute

// check finds what server.Config cannot tell from a default.
func (c *serveCommand) check() error {
	for field, value := range map[string]int64{
		"Executions": int64(c.MaxExecutions), "Deliveries": int64(c.MaxDeliveries), "MaximumRequest": c.MaxRequest,
	} {
		if value < 1 {
			return &usageError{settings[field], fmt.Errorf("must be at least 1, not %d", value)}
		}
	}
	if c.MaxQueuedRuns < 0 {
		return &usageError{settings["QueuedRuns"], fmt.Errorf("must be at least 1, or 0 for any number, not %d", c.MaxQueuedRuns)}
	}
	if c.Grace <= 0 {
		return &usageError{settings["Grace"], fmt.Errorf("must be longer than %v, such as 20s", c.Grace)}
	}
	return nil
}

// queuedRuns is the limit as server.Config has it.
func (c *serveCommand) queuedRuns() int {
	if c.MaxQueuedRuns == 0 {
		return server.AnyNumber
	}
	return c.MaxQueuedRuns
}

// Run serves until the program is told to stop.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	if err := c.check(); err != nil {
		return err
	}
	log, err := newLogger(s.err, c.LogLevel, c.LogFormat)
	if err != nil {
		return err
	}
	memory, err := c.memory()
	if err != nil {
		return err
	}
	spendMemory(memory)
	srv, err := server.Open(ctx, server.Config{
		Address: c.Addr, Database: c.DB, PublicURL: c.PublicURL, EgressAllow: c.EgressAllow, EgressPorts: c.EgressPorts, TrustedProxies: c.TrustedProxies, EncryptionKey: c.EncryptionKey,
		APIKeys: map[protocol.EnvironmentType]string{
			protocol.Production: c.ProdKey, protocol.Staging: c.StagingKey,
			protocol.Development: c.DevKey, protocol.Preview: c.PreviewKey,
		},
		Memory: memory, Connections: c.MaxConnections, PerAddress: c.MaxConnectionsPerAddress, SpoolFolder: c.SpoolDir,
		TLSCertificate: c.TLSCert, TLSKey: c.TLSKey, HealthAddress: c.HealthAddr,
		KeepPayloads: c.KeepPayloads, KeepRuns: c.KeepRuns,
		Executions: c.MaxExecutions, Deliveries: c.MaxDeliveries, MaximumRequest: c.MaxRequest, Grace: c.Grace, DatabaseWait: databaseWait, DevSchedules: c.DevSchedules, Version: version(), Log: log,
		NotificationSchedule: c.Schedule, QueuedRuns: c.queuedRuns(),
		OnKeys: func(keys []server.Key) { c.announceKeys(s.out, isTerminal(s.out), log, keys) },
	})
	if err != nil {
		return inSettings(err)
	}
	log.Info("serving", "url", srv.URL(), "address", srv.Address().String(), "version", version())
	err = srv.Run(ctx)
	if closed := srv.Close(); err == nil {
		err = closed
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}
