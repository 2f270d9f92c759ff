package runhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/runhook/runhook/internal/origin"
)

// APIError is a server's answer that is not a success.
type APIError struct {
	// StatusCode is the answer's HTTP status.
	StatusCode int
	// Message is what the server says about it.
	Message string

	reset time.Time     // when a limit on the rate of requests ends
	pause time.Duration // how long the server asks to wait; zero if it does not say
}

// Error returns the status and the message.
func (e *APIError) Error() string {
	return fmt.Sprintf("the server answered %d %s: %s", e.StatusCode, http.StatusText(e.StatusCode), e.Message)
}

// Temporary reports whether the same request may succeed later.
func (e *APIError) Temporary() bool {
	return e.StatusCode >= 500 || e.StatusCode == http.StatusTooManyRequests
}

// The pauses between attempts of a request: 100 ms, doubling up to the longest,
// each with some jitter, about four seconds in all.
const (
	requestRetries = 6
	firstPause     = 100 * time.Millisecond
	longestPause   = 1150 * time.Millisecond
	pauseJitter    = 50 * time.Millisecond
)

const (
	requestTimeout        = time.Minute
	handshakeTimeout      = 10 * time.Second
	idleConnectionTimeout = 90 * time.Second
	connectionsKept       = 256
	maxAnswerBytes        = 64 << 20
	rateLimitResetIn      = "X-Ratelimit-Reset"
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

// api reaches a server over HTTP.
type api struct {
	url    string
	key    string
	client *http.Client
}

func newAPI(url, key string, client *http.Client) *api {
	if client == nil {
		client = defaultHTTPClient()
	}
	return &api{url: strings.TrimRight(url, "/"), key: key, client: origin.Guarded(client)}
}

var errNoAPIKey = errors.New("the client has no API key: set Config.APIKey or RUNHOOK_API_KEY")

// call makes a request that may safely be repeated, and repeats it when there
// is no answer or one that blames the server. headers are pairs of a name
// and a value.
func (a *api) call(ctx context.Context, method, path string, body, answer any, headers ...string) error {
	text, err := a.prepare(path, body)
	if err != nil {
		return err
	}
	for retry := 1; ; retry++ {
		err := a.attempt(ctx, method, path, text, answer, headers)
		if err == nil || retry > requestRetries || !worthRetrying(err) && !comesAgain(ctx, err) {
			return err
		}
		pause := max(min(firstPause<<(retry-1), longestPause), askedPause(err)) + rand.N(pauseJitter)
		if pauseFor(ctx, pause) != nil {
			return err
		}
	}
}

// apiCall is how a request is made: [api.call] or [api.callOnce].
type apiCall func(ctx context.Context, method, path string, body, answer any, headers ...string) error

// callOnce makes a request that would do its work again if it were repeated.
func (a *api) callOnce(ctx context.Context, method, path string, body, answer any, headers ...string) error {
	text, err := a.prepare(path, body)
	if err != nil {
		return err
	}
	return a.attempt(ctx, method, path, text, answer, headers)
}

// plainText is a body that is sent as it is.
type plainText string

// prepare returns the body of a request as text.
func (a *api) prepare(path string, body any) ([]byte, error) {
	if a.key == "" {
		return nil, errNoAPIKey
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
	case plainText:
		return []byte(body), nil
	}
	return encode(body)
}

// attempt makes a request once.
func (a *api) attempt(ctx context.Context, method, path string, body []byte, answer any, headers []string) error {
	request, err := http.NewRequestWithContext(ctx, method, a.url+path, bytes.NewReader(body))
	if err != nil {
		return &permanentError{fmt.Errorf("the API URL %q cannot be used: %w", a.url, err)}
	}
	request.Header.Set("Authorization", "Bearer "+a.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := a.client.Do(request)
	if err != nil {
		return noAnswer(err)
	}
	defer response.Body.Close()
	buffer := takeBuffer()
	defer returnBuffer(buffer)
	if _, err := io.Copy(buffer, io.LimitReader(response.Body, maxAnswerBytes)); err != nil {
		return fmt.Errorf("read the server's answer to %s %s: %w", method, path, err)
	}
	if response.StatusCode != http.StatusOK {
		return apiError(response, buffer.Bytes())
	}
	if err := json.Unmarshal(buffer.Bytes(), answer); err != nil {
		return &permanentError{fmt.Errorf("the server's answer to %s %s is not as expected: %w", method, path, err)}
	}
	return nil
}

// noAnswer explains a request that was not answered.
func noAnswer(err error) error {
	if refused, ok := origin.Refused(err); ok {
		// Without the URL that net/http adds: a redirect's can hold a secret.
		return &permanentError{fmt.Errorf("%w; if that is the server, set Config.APIURL to it", refused)}
	}
	return fmt.Errorf("no answer from the server: %w", err)
}

// permanentError says that repeating a request is of no use.
type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

func worthRetrying(err error) bool {
	var refused *APIError
	if errors.As(err, &refused) {
		return refused.StatusCode >= 500
	}
	var permanent *permanentError
	return !errors.As(err, &permanent)
}

func pauseFor(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func apiError(response *http.Response, body []byte) *APIError {
	var said struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	failed := &APIError{StatusCode: response.StatusCode}
	if location, err := response.Location(); err == nil && response.StatusCode < http.StatusBadRequest {
		// Its path and query may hold a secret.
		failed.Message = fmt.Sprintf("%s redirects to %s, and the client follows no redirects; set Config.APIURL to where the server is",
			origin.Of(response.Request.URL), origin.Of(location))
		return failed
	}
	if json.Unmarshal(body, &said); said.Error != "" || said.Message != "" {
		failed.Message = orDefault(said.Error, said.Message)
	} else {
		const enough = 200
		failed.Message = strings.TrimSpace(string(body[:min(len(body), enough)]))
	}
	if reset, err := strconv.ParseInt(response.Header.Get(rateLimitResetIn), 10, 64); err == nil {
		failed.reset = time.UnixMilli(reset)
	}
	failed.pause = retryAfter(response)
	return failed
}

// path joins parts of a path, of which every second one is escaped.
func path(parts ...string) string {
	for i := 1; i < len(parts); i += 2 {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "")
}
