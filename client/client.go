package client

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/runhook/runhook/internal/transport"
	"github.com/runhook/runhook/protocol"
)

// DefaultAPIURL is where a server is looked for when nothing names another.
const DefaultAPIURL = transport.DefaultURL

// APIError is a server's answer that is not a success.
type APIError = protocol.APIError

// Config says which server to ask, and how. The zero Config takes the server and the key
// from the environment.
type Config struct {
	// APIKey is the secret key of an environment (tr_...). Default: RUNHOOK_API_KEY.
	APIKey string
	// APIURL is the address of the server. Default: RUNHOOK_API_URL, else
	// [DefaultAPIURL].
	APIURL string
	// HTTPClient makes the requests. The default keeps many connections open for
	// reuse, gives up on an answer after a minute and follows no redirects. Whatever is
	// given here, the API key follows none to another origin (scheme, host and port).
	HTTPClient *http.Client
	// Logger receives the client's log. Default: [slog.Default].
	Logger *slog.Logger
	// MaxAttempts bounds how often a request is made that may be repeated. Default: 7,
	// over about four seconds.
	MaxAttempts int
}

// Client asks one server with the key of one environment. It is created by [New]. All its
// methods may be called concurrently.
type Client struct {
	transport *transport.Client
	logger    *slog.Logger
}

// New returns a client. The error says that there is no key, that the key is a public one,
// or that the address of the server is no URL. Nothing is sent yet.
func New(config Config) (*Client, error) {
	if config.MaxAttempts < 0 {
		return nil, fmt.Errorf("create a client: Config.MaxAttempts is %d, which is less than 1", config.MaxAttempts)
	}
	t := transport.New(transport.Config{
		URL: config.APIURL, Key: config.APIKey, HTTPClient: config.HTTPClient, MaxAttempts: config.MaxAttempts,
	})
	if err := t.CheckKey(); err != nil {
		return nil, fmt.Errorf("create a client: %w", err)
	}
	if err := transport.CheckURL(t.URL()); err != nil {
		return nil, fmt.Errorf("create a client: %w; set Config.APIURL or RUNHOOK_API_URL", err)
	}
	return &Client{transport: t, logger: cmp.Or(config.Logger, slog.Default())}, nil
}

// APIURL returns the address of the server, without a slash at its end.
func (c *Client) APIURL() string { return c.transport.URL() }
