package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/limits"
	"github.com/runhook/runhook/server/internal/server"
)

// databaseFlags are what every command that opens the database needs.
type databaseFlags struct {
	DB            string  `name:"db" env:"RUNHOOK_DB" default:"sqlite:./runhook-data/runhook.db" placeholder:"URL" help:"The database: sqlite:PATH, or postgres://... (15 or later). Default: ${default}."`
	EncryptionKey keyText `env:"RUNHOOK_ENCRYPTION_KEY" placeholder:"KEY" help:"32 random bytes, as hexadecimal or Base64, that encrypt the secrets in the database. Default: a key file made beside the SQLite file, or a key kept in the PostgreSQL database."`
}

type serveCommand struct {
	databaseFlags
	listenFlags
	Addr           string          `env:"RUNHOOK_ADDR" default:"127.0.0.1:3030" placeholder:"HOST:PORT" help:"The address to listen on. Default: ${default}."`
	PublicURL      string          `env:"RUNHOOK_PUBLIC_URL" placeholder:"URL" help:"The base URL at which apps and other services reach this server. Default: http:// or, with --tls-cert, https://, and the address."`
	EgressAllow    string          `env:"RUNHOOK_EGRESS_ALLOW" placeholder:"CIDRS" help:"Address ranges, separated by commas, to which outgoing requests are allowed although they are private, loopback, link-local or metadata addresses. Default: none; DEVELOPMENT reaches loopback and private ones by --dev-private-networks."`
	EgressPorts    string          `env:"RUNHOOK_EGRESS_PORTS" placeholder:"PORTS" help:"Ports below 1024 and ranges of them, separated by commas, on which public hosts may be called besides 80 and 443. Default: none."`
	TrustedProxies string          `env:"RUNHOOK_TRUSTED_PROXIES" placeholder:"CIDRS" help:"The addresses of the reverse proxies in front of the server, as ranges separated by commas: their X-Forwarded-For is believed about who calls. Default: none."`
	MaxExecutions  int             `env:"RUNHOOK_MAX_EXECUTIONS" default:"512" placeholder:"N" help:"The most executions in flight. Default: ${default}."`
	MaxDeliveries  int             `env:"RUNHOOK_MAX_DELIVERIES" default:"256" placeholder:"N" help:"The most webhook deliveries in flight. Default: ${default}."`
	MaxQueuedRuns  int             `env:"RUNHOOK_MAX_QUEUED_RUNS" default:"1000000" placeholder:"N" help:"The most queued runs of an environment; beyond it, callers are answered 429 with Retry-After. 0 for no limit. Default: ${default}."`
	Schedule       []time.Duration `name:"notification-schedule" env:"RUNHOOK_NOTIFICATION_SCHEDULE" placeholder:"DURATIONS" help:"The retry schedule of notifications: the pause before each attempt, separated by commas, such as 0s,5s,1m,1h. Default: 12 attempts over 75 h 42 min."`
	KeepPayloads   string          `env:"RUNHOOK_KEEP_PAYLOADS" default:"STAGING=30d,PREVIEW=7d,DEVELOPMENT=7d" placeholder:"AGES" help:"The retention of payloads, tasks and delivery logs after a run's end, and of source requests, by environment. An environment that is not named keeps them for ever, and so do all with 'forever'. Default: ${default}."`
	KeepRuns       string          `env:"RUNHOOK_KEEP_RUNS" default:"STAGING=90d,PREVIEW=30d,DEVELOPMENT=30d" placeholder:"AGES" help:"The retention of the run itself: its id, times and status. Default: ${default}."`
	MaxRequest     int64           `env:"RUNHOOK_MAX_REQUEST" default:"10485760" placeholder:"BYTES" help:"The largest body of a request to an HTTP endpoint or webhook, in bytes. Default: ${default}."`
	MaxRequestRate int             `env:"RUNHOOK_MAX_REQUEST_RATE" default:"100" placeholder:"N" help:"The most requests per second that the URL of an HTTP endpoint, webhook or source takes, and ten times as many at once; beyond that, callers are answered 429 with Retry-After. 0 for no limit. Default: ${default}."`
	MaxWaiting     string          `name:"max-waiting-requests" env:"RUNHOOK_MAX_WAITING_REQUESTS" default:"512MiB" placeholder:"BYTES" help:"The most bytes of such requests of an environment that wait for its apps; beyond that, 429. 0 for no limit. Default: ${default}."`
	MaxKept        string          `name:"max-kept-requests" env:"RUNHOOK_MAX_KEPT_REQUESTS" default:"4GiB" placeholder:"BYTES" help:"The most bytes of such requests of an environment that are kept; beyond that, 429. 0 for no limit. Default: ${default}."`
	KeepUnverified time.Duration   `env:"RUNHOOK_KEEP_UNVERIFIED" default:"72h" placeholder:"DURATION" help:"The retention of such requests that their app refused, or that started nothing, in every environment. Default: ${default}."`
	Grace          time.Duration   `env:"RUNHOOK_GRACE" default:"20s" placeholder:"DURATION" help:"How long a shutdown waits for executions and deliveries in flight. Default: ${default}."`
	Dev            *bool           `negatable:"" env:"RUNHOOK_DEV" help:"Switch DEVELOPMENT on or off (--no-dev, RUNHOOK_DEV=false): the keys of an environment that is off are refused, and nothing in it moves. Default: on, unless the public URL is for the internet."`
	DevNetworks    *bool           `name:"dev-private-networks" negatable:"" env:"RUNHOOK_DEV_PRIVATE_NETWORKS" help:"Reach loopback and private addresses on behalf of DEVELOPMENT, or not. Default: yes, unless the public URL is for the internet."`
	Disabled       []string        `name:"disabled-environments" env:"RUNHOOK_DISABLED_ENVIRONMENTS" placeholder:"NAMES" help:"The environments that are switched off, separated by commas, such as STAGING,PREVIEW. Default: none."`
	DevSchedules   bool            `env:"RUNHOOK_DEV_SCHEDULES" help:"Run schedules of DEVELOPMENT always, not only while runhook dev is attached to the app. Default: no."`
	LogLevel       string          `env:"RUNHOOK_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"The lowest log level: debug, info, warn or error. Default: ${default}."`
	LogFormat      string          `env:"RUNHOOK_LOG_FORMAT" default:"auto" placeholder:"FORMAT" help:"The log format: text, json, or auto for text on a terminal and json elsewhere. Default: ${default}."`
	AccessLog      bool            `env:"RUNHOOK_ACCESS_LOG" help:"Log each request: method, path without query and secrets, status, duration, bytes, environment, address. Default: no."`
	Dashboard      bool            `negatable:"" env:"RUNHOOK_DASHBOARD" default:"true" help:"Serve the dashboard, which opens by a link of runhook open. Default: yes."`
	ProdKey        keyText         `name:"prod-api-key" env:"RUNHOOK_PROD_API_KEY" placeholder:"KEY" help:"The secret key of PRODUCTION, such as tr_prod_ and letters and digits. Default: a random one, printed once."`
	StagingKey     keyText         `name:"staging-api-key" env:"RUNHOOK_STAGING_API_KEY" placeholder:"KEY" help:"The secret key of STAGING (tr_stg_...). Default: a random one."`
	DevKey         keyText         `name:"dev-api-key" env:"RUNHOOK_DEV_API_KEY" placeholder:"KEY" help:"The secret key of DEVELOPMENT (tr_dev_...). Default: a random one."`
	PreviewKey     keyText         `name:"preview-api-key" env:"RUNHOOK_PREVIEW_API_KEY" placeholder:"KEY" help:"The secret key of PREVIEW (tr_prev_...). Default: a random one."`
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
	"Disabled":             "--disabled-environments (RUNHOOK_DISABLED_ENVIRONMENTS)",
	"QueuedRuns":           "--max-queued-runs (RUNHOOK_MAX_QUEUED_RUNS)",
	"RequestRate":          "--max-request-rate (RUNHOOK_MAX_REQUEST_RATE)",
	"WaitingRequests":      "--max-waiting-requests (RUNHOOK_MAX_WAITING_REQUESTS)",
	"KeptRequests":         "--max-kept-requests (RUNHOOK_MAX_KEPT_REQUESTS)",
	"KeepUnverified":       "--keep-unverified (RUNHOOK_KEEP_UNVERIFIED)",
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

// check finds what server.Config cannot distinguish from a default.
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
	if c.MaxRequestRate < 0 {
		return &usageError{settings["RequestRate"], fmt.Errorf("must be at least 1, or 0 for any number, not %d", c.MaxRequestRate)}
	}
	if c.KeepUnverified <= 0 {
		return &usageError{settings["KeepUnverified"], fmt.Errorf("must be longer than %v, such as 72h", c.KeepUnverified)}
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

// orAny returns a limit as server.Config has it, where 0 stands for the default.
func orAny[T int | int64](limit T) T {
	if limit == 0 {
		return server.AnyNumber
	}
	return limit
}

// requestBudgets returns the budgets of requests without a key, in bytes.
func (c *serveCommand) requestBudgets() (waiting, kept int64, err error) {
	for _, budget := range []struct {
		field, text string
		into        *int64
	}{{"WaitingRequests", c.MaxWaiting, &waiting}, {"KeptRequests", c.MaxKept, &kept}} {
		if budget.text == "0" {
			*budget.into = server.AnyNumber
		} else if *budget.into, err = limits.ParseSize(budget.text); err != nil {
			return 0, 0, &usageError{settings[budget.field], err}
		}
	}
	return waiting, kept, nil
}

// disabled are the environments that are switched off by name.
func (c *serveCommand) disabled() (disabled []protocol.EnvironmentType) {
	for _, name := range c.Disabled {
		disabled = append(disabled, protocol.EnvironmentType(strings.ToUpper(strings.TrimSpace(name))))
	}
	return disabled
}

// Run serves until the program is asked to stop.
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
	waiting, kept, err := c.requestBudgets()
	if err != nil {
		return err
	}
	spendMemory(memory)
	srv, err := server.Open(ctx, server.Config{
		Address: c.Addr, Database: c.DB, PublicURL: c.PublicURL, EgressAllow: c.EgressAllow, EgressPorts: c.EgressPorts, TrustedProxies: c.TrustedProxies, EncryptionKey: string(c.EncryptionKey),
		APIKeys: map[protocol.EnvironmentType]string{
			protocol.Production: string(c.ProdKey), protocol.Staging: string(c.StagingKey),
			protocol.Development: string(c.DevKey), protocol.Preview: string(c.PreviewKey),
		},
		Memory: memory, Connections: c.MaxConnections, PerAddress: c.MaxConnectionsPerAddress, SpoolFolder: c.SpoolDir,
		TLSCertificate: c.TLSCert, TLSKey: c.TLSKey, HealthAddress: c.HealthAddr,
		KeepPayloads: c.KeepPayloads, KeepRuns: c.KeepRuns,
		Executions: c.MaxExecutions, Deliveries: c.MaxDeliveries, MaximumRequest: c.MaxRequest, RequestRate: orAny(c.MaxRequestRate), WaitingRequests: waiting, KeptRequests: kept, KeepUnverified: c.KeepUnverified, Grace: c.Grace, DatabaseWait: databaseWait, Development: c.Dev, DevelopmentNetworks: c.DevNetworks, Disabled: c.disabled(), DevSchedules: c.DevSchedules, Version: version(), Log: log, AccessLog: c.AccessLog, NoDashboard: !c.Dashboard,
		NotificationSchedule: c.Schedule, QueuedRuns: c.queuedRuns(),
		OnKeys: func(keys []server.Key) { c.announceKeys(s.out, isTerminal(s.out), log, keys) },
	})
	if err != nil {
		return inSettings(err)
	}
	log.Info("serving", "url", srv.URL(), "address", srv.Address().String(), "version", version())
	announceDashboard(s.out, isTerminal(s.out), log, srv.SignInLink())
	err = srv.Run(ctx)
	if closed := srv.Close(); err == nil {
		err = closed
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}
