package transport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/runhook/runhook/internal/jsontext"
	"github.com/runhook/runhook/internal/origin"
)

// DefaultURL is where a server is looked for when nothing names another.
const DefaultURL = "http://127.0.0.1:3030"

const (
	requestTimeout        = time.Minute
	handshakeTimeout      = 10 * time.Second
	idleConnectionTimeout = 90 * time.Second
	connectionsKept       = 256
	maxAnswerBytes        = 64 << 20
)

// defaultHTTPClient is shared by all clients of the process, and so are its
// connections.
var defaultHTTPClient = sync.OnceValue(func() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: connectionsKept,
			IdleConnTimeout:     idleConnectionTimeout,
			TLSHandshakeTimeout: handshakeTimeout,
			ForceAttemptHTTP2:   true,
		},
		Timeout: requestTimeout,
		// A redirected POST would arrive as a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
})

// Config says which server to reach, and how. The zero Config takes everything from the
// environment.
type Config struct {
	// URL is the base of the API. Default: RUNHOOK_API_URL, else [DefaultURL].
	URL string
	// Key is the secret key of an environment. Default: RUNHOOK_API_KEY.
	Key string
	// HTTPClient makes the requests. Default: one for all clients of the process.
	HTTPClient *http.Client
	// MaxAttempts bounds how often a request is made. Default: 7, over about four
	// seconds.
	MaxAttempts int
}

// Client reaches a server over HTTP.
type Client struct {
	url         string
	key         string
	http        *http.Client
	maxAttempts int
}

// New returns a client. What is wrong with the URL or the key is reported by what needs
// them: see [Client.CheckKey].
func New(config Config) *Client {
	httpClient := config.HTTPClient
	if httpClient == nil {
		httpClient = defaultHTTPClient()
	}
	return &Client{
		url:         strings.TrimRight(cmp.Or(config.URL, os.Getenv("RUNHOOK_API_URL"), DefaultURL), "/"),
		key:         strings.TrimSpace(cmp.Or(config.Key, os.Getenv("RUNHOOK_API_KEY"))),
		http:        origin.Guarded(httpClient),
		maxAttempts: cmp.Or(config.MaxAttempts, defaultAttempts),
	}
}

// URL returns the base URL of the server, without a slash at its end.
func (c *Client) URL() string { return c.url }

// Key returns the API key, without blanks around it.
func (c *Client) Key() string { return c.key }

var (
	errNoAPIKey  = errors.New("the client has no API key: set Config.APIKey or RUNHOOK_API_KEY")
	errPublicKey = errors.New("the client's API key is a public one (pk_...): set Config.APIKey or RUNHOOK_API_KEY to the secret one (tr_...)")
)

// CheckURL returns an error if a text is no base URL of a server.
func CheckURL(text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return fmt.Errorf("the server's URL is %q, which is not like %s", text, DefaultURL)
	}
	return nil
}

// CheckKey returns an error if the key is none that the server takes.
func (c *Client) CheckKey() error {
	switch {
	case c.key == "":
		return errNoAPIKey
	case strings.HasPrefix(c.key, "pk_"):
		return errPublicKey
	}
	return nil
}

// Text is a body that is sent as it is.
type Text string

// Call makes a request that may safely be repeated, and repeats it: see the package
// comment. body is encoded as JSON, unless it is nil or a [Text], and the answer decoded
// into answer. headers are pairs of a name and a value.
func (c *Client) Call(ctx context.Context, method, path string, body, answer any, headers ...string) error {
	text, err := c.prepare(path, body)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := c.attempt(ctx, method, path, text, answer, headers)
		if err == nil || attempt >= c.maxAttempts || !retryable(ctx, err) {
			return err
		}
		if Pause(ctx, pauseAfter(attempt, err)) != nil {
			return err
		}
	}
}

// CallOnce makes a request that would do its work again if it were repeated.
func (c *Client) CallOnce(ctx context.Context, method, path string, body, answer any, headers ...string) error {
	text, err := c.prepare(path, body)
	if err != nil {
		return err
	}
	return c.attempt(ctx, method, path, text, answer, headers)
}

// prepare returns the body of a request as text.
func (c *Client) prepare(path string, body any) ([]byte, error) {
	if err := c.CheckKey(); err != nil {
		return nil, err
	}
	text, err := encodeBody(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request for %s: %w", path, err)
	}
	return text, nil
}

// encodeBody returns nil for no body.
func encodeBody(body any) ([]byte, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case Text:
		return []byte(body), nil
	}
	return jsontext.Encode(body)
}

// attempt makes a request once.
func (c *Client) attempt(ctx context.Context, method, path string, body []byte, answer any, headers []string) error {
	request, err := c.newRequest(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.http.Do(request)
	if err != nil {
		return noAnswer(err)
	}
	defer response.Body.Close()
	buffer := jsontext.TakeBuffer()
	defer jsontext.ReturnBuffer(buffer)
	if _, err := io.Copy(buffer, io.LimitReader(response.Body, maxAnswerBytes)); err != nil {
		return fmt.Errorf("read the server's answer to %s %s: %w", method, path, err)
	}
	if response.StatusCode != http.StatusOK {
		return apiError(response, buffer.Bytes())
	}
	if err := json.Unmarshal(buffer.Bytes(), answer); err != nil {
		return &permanentError{fmt.Errorf("the server's answer to %s %s is %w: %w", method, path, ErrUnexpectedAnswer, err)}
	}
	return nil
}

// newRequest returns a request with the key.
func (c *Client) newRequest(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, &permanentError{fmt.Errorf("the API URL %q cannot be used: %w", c.url, err)}
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	return request, nil
}
