package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/egress"
)

// forwardTimeout is how long the program on this machine may take: somebody may
// be stepping through it in a debugger.
const forwardTimeout = 5 * time.Minute

// forwarder sends notifications to a program, signed as a server signs them.
type forwarder struct {
	url    string
	apiKey string
	// secret, if not nil, signs instead of the API key.
	secret protocol.WebhookSigner
	clock  clock.Clock
	client *http.Client
}

func newForwarder(target, apiKey, secret string, c clock.Clock) (*forwarder, error) {
	location, err := egress.ParseURL(target)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL to forward to, such as http://localhost:3000/done: %w", target, err)
	}
	f := &forwarder{url: location.String(), apiKey: apiKey, clock: c, client: &http.Client{
		Timeout:       forwardTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if secret != "" {
		f.secret, err = signerOf(secret)
	}
	return f, err
}

// signerOf reads a secret of either kind.
func signerOf(secret string) (protocol.WebhookSigner, error) {
	key, err := protocol.ParseWebhookSecret(secret)
	if err == nil {
		return key, nil
	}
	private, privateErr := protocol.ParseAsymmetricKey(secret)
	if privateErr == nil {
		return private, nil
	}
	return nil, errors.Join(err, privateErr)
}

// result is how a program took a notification.
type result struct {
	// Status is 0 if there was no answer, and Err says why.
	Status   int
	Err      error
	Duration time.Duration
}

// send makes one request. The program's answer is read to its end, within reason,
// so that the connection can be used again.
func (f *forwarder) send(ctx context.Context, id string, body []byte) result {
	const mostRead = 1 << 20
	start := f.clock.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return result{Err: err}
	}
	f.sign(request.Header, id, body)
	response, err := f.client.Do(request)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if err != nil {
		return result{Err: err, Duration: f.clock.Now().Sub(start)}
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, mostRead))
	return result{Status: response.StatusCode, Err: err, Duration: f.clock.Now().Sub(start)}
}

func (f *forwarder) sign(header http.Header, id string, body []byte) {
	now := f.clock.Now()
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "runhook-listen")
	header.Set(protocol.HeaderWebhookID, id)
	header.Set(protocol.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if f.secret != nil {
		header.Set(protocol.HeaderWebhookSignature, f.secret.Sign(id, now, body))
		return
	}
	header.Set(protocol.HeaderWebhookSignature, protocol.DerivedWebhookKey(f.apiKey).Sign(id, now, body))
	header.Set(protocol.HeaderSignature, protocol.SignBody(f.apiKey, body))
}
