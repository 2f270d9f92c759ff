package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/runhook/runhook/client"
	"github.com/runhook/runhook/internal/origin"
	"github.com/runhook/runhook/internal/transport"
)

// timeout bounds a call. Streams last as long as both sides like.
const timeout = 70 * time.Second

// Server is a server that a command asks.
type Server struct {
	*client.Client
	streams *transport.Client
	answers *recorder
}

// New returns the server at a base URL, to be asked with a secret key. The error says what
// is wrong with one of them.
func New(base, apiKey string) (*Server, error) {
	if err := transport.CheckURL(base); err != nil {
		return nil, err
	}
	answers := &recorder{}
	asking := &http.Client{Timeout: timeout, Transport: answers}
	asked, err := client.New(client.Config{APIURL: base, APIKey: apiKey, HTTPClient: asking, MaxAttempts: 1})
	if err != nil {
		return nil, err
	}
	return &Server{
		Client: asked, answers: answers,
		streams: transport.New(transport.Config{URL: base, Key: apiKey, HTTPClient: &http.Client{}}),
	}, nil
}

// Stream returns the server-sent events of a path after the event with an ID; empty for
// the path's own beginning.
func (s *Server) Stream(path, after string) *transport.Stream {
	return &transport.Stream{Client: s.streams, Path: path, LastID: after}
}

// Answer returns the body of the last answer as the server sent it.
func (s *Server) Answer() []byte {
	if answer := s.answers.last.Load(); answer != nil {
		return *answer
	}
	return nil
}

// recorder keeps the body of the last answer.
type recorder struct{ last atomic.Pointer[[]byte] }

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	r.last.Store(&body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// Explain returns an error of asking this server in words for people.
func (s *Server) Explain(err error) error {
	var refused *client.APIError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the server at %s does not know this API key.\nGive a secret key with --api-key or RUNHOOK_API_KEY; see them with:  runhook keys  (where its database can be opened)", s.APIURL())
	case errors.As(err, &refused):
		return fmt.Errorf("the server at %s answers: %s (status %d)", s.APIURL(), refused.Message, refused.StatusCode)
	case errors.Is(err, transport.ErrUnexpectedAnswer):
		return fmt.Errorf("%s answers, but not as a Runhook server: %w", s.APIURL(), err)
	}
	if refused, ok := origin.Refused(err); ok {
		return fmt.Errorf("%w.\nIf Runhook is there, say so with  --server %s  or RUNHOOK_API_URL", refused, refused.To)
	}
	return fmt.Errorf("no Runhook server answers at %s: %w.\nStart one with:  runhook serve  or say where it is with --server or RUNHOOK_API_URL", s.APIURL(), Cause(err))
}

// Cause returns why there was no answer, without the method and URL that net/http repeats.
func Cause(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
