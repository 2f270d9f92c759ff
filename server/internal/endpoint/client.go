package endpoint

import (
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/intake"
)

// Default limits of a call. The first must not be smaller than the longest time
// a supported platform lets a function run.
const (
	DefaultExecuteTimeout = 15 * time.Minute
	DefaultTimeout        = time.Minute
)

// Outgoing is where the client gets its connections from. *egress.Guard is one.
type Outgoing interface {
	// Client returns the HTTP client for calls on behalf of environments of the
	// given type. It must not follow redirects by itself.
	Client(protocol.EnvironmentType) *http.Client
	// CheckURL returns an error if rawURL may not be called on behalf of such an
	// environment.
	CheckURL(rawURL string, environmentType protocol.EnvironmentType) error
}

// Config is what a [Client] needs. Only Outgoing is required.
type Config struct {
	Outgoing Outgoing
	// ExecuteTimeout limits EXECUTE_JOB and RUN_NOTIFICATION, from sending the
	// request to the end of the answer. Zero means [DefaultExecuteTimeout]. A
	// context's deadline shortens it.
	ExecuteTimeout time.Duration
	// Timeout limits every other action. Zero means [DefaultTimeout].
	Timeout time.Duration
	// Answers is where the answers to EXECUTE_JOB are read, which waits for room in
	// memory; nil means that there is always room.
	Answers *intake.Room
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Client calls endpoints. It may be used by many goroutines at once.
type Client struct {
	outgoing       Outgoing
	executeTimeout time.Duration
	timeout        time.Duration
	answers        *intake.Room
	now            func() time.Time
}

// New returns a client. It panics if config.Outgoing is nil.
func New(config Config) *Client {
	if config.Outgoing == nil {
		panic("endpoint.New: Config.Outgoing is nil")
	}
	client := &Client{
		outgoing:       config.Outgoing,
		executeTimeout: config.ExecuteTimeout,
		timeout:        config.Timeout,
		answers:        config.Answers,
		now:            config.Now,
	}
	if client.executeTimeout <= 0 {
		client.executeTimeout = DefaultExecuteTimeout
	}
	if client.timeout <= 0 {
		client.timeout = DefaultTimeout
	}
	if client.now == nil {
		client.now = time.Now
	}
	return client
}

// Target says which endpoint to call, and as whom.
type Target struct {
	URL string
	// APIKey is the secret key of the environment. It is sent and never logged.
	APIKey          string
	EnvironmentType protocol.EnvironmentType
	// Environment is the environment's id, whose part of the memory the answer takes.
	Environment string
	// Slug is the identifier the endpoint is registered under. PING sends it.
	Slug string
}

// Versions are what an answer said about the app's SDK. A member is empty if
// the answer did not say: that never means an older version.
type Versions struct {
	Protocol string // dated, such as 2023-09-29
	SDK      string // such as 2.3.18
}
