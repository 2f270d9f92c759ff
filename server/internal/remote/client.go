package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/internal/origin"
)

const (
	// timeout bounds a call. Streams last as long as both sides like.
	timeout = 70 * time.Second
	// mostError is how much of an answer that refuses is read.
	mostError = 64 << 10
)

// Client calls the API of one server with one key.
type Client struct {
	base, apiKey string
	http         *http.Client
}

// New returns a client for the server at a base URL. The error says what is wrong
// with the URL.
func New(base, apiKey string) (*Client, error) {
	base = strings.TrimRight(base, "/")
	parsed, err := url.Parse(base)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, fmt.Errorf("the server's URL is %q, which is not like http://127.0.0.1:3030", base)
	}
	return &Client{base: base, apiKey: apiKey, http: origin.Guarded(&http.Client{})}, nil
}

// Base returns the base URL of the server.
func (c *Client) Base() string { return c.base }

// Refusal is an answer other than 2xx.
type Refusal struct {
	Status  int
	Message string
}

// Error says what the server said.
func (r *Refusal) Error() string { return fmt.Sprintf("%s (status %d)", r.Message, r.Status) }

// Call makes a request, with body as JSON unless it is nil, and returns the answer
// as it came. An answer other than 2xx is a [*Refusal].
func (c *Client) Call(ctx context.Context, method, path string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	response, err := c.open(ctx, method, path, body, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// open makes a request and returns its answer, which is a 2xx and must be closed.
func (c *Client) open(ctx context.Context, method, path string, body any, header map[string]string) (*http.Response, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.apiKey)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 200 && response.StatusCode <= 299 {
		return response, nil
	}
	defer response.Body.Close()
	refused := &Refusal{response.StatusCode, http.StatusText(response.StatusCode)}
	var said struct{ Error string }
	if text, err := io.ReadAll(io.LimitReader(response.Body, mostError)); err == nil && json.Unmarshal(text, &said) == nil && said.Error != "" {
		refused.Message = said.Error
	}
	return nil, refused
}

// Explain returns an error of this client in words for people.
func (c *Client) Explain(err error) error {
	var refused *Refusal
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return fmt.Errorf("the server at %s does not know this API key.\nGive a secret key with --api-key or RUNHOOK_API_KEY; see them with:  runhook keys  (where its database can be opened)", c.base)
	case errors.As(err, &refused):
		return fmt.Errorf("the server at %s answers: %s", c.base, refused)
	}
	if refused, ok := origin.Refused(err); ok {
		return fmt.Errorf("%w.\nIf Runhook is there, say so with  --server %s  or RUNHOOK_URL", refused, refused.To)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the method and URL that net/http repeats
	}
	return fmt.Errorf("no Runhook server answers at %s: %w.\nStart one with:  runhook serve  or say where it is with --server or RUNHOOK_URL", c.base, err)
}
