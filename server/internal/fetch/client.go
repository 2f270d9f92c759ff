package fetch

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/intake"
)

// Operations that a task may ask for.
const (
	// OperationFetch gives the JSON body of the answer.
	OperationFetch = "fetch"
	// OperationFetchResponse gives {data, headers, status}.
	OperationFetchResponse = "fetch-response"
	// OperationPoll repeats a request until its answer matches a filter.
	OperationPoll = "fetch-poll"
)

// Known reports whether the package can perform an operation.
func Known(operation string) bool {
	switch operation {
	case OperationFetch, OperationFetchResponse, OperationPoll:
		return true
	}
	return false
}

// Outgoing is where a [Client] gets its connections from. *egress.Guard is one.
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
	// Answers is where bodies are read, which waits for room in memory; nil means that
	// there is always room.
	Answers *intake.Room
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Random returns a number from 0 up to 1, which spreads retries; nil means
	// that of math/rand.
	Random func() float64
}

// Client performs operations. It may be used by many goroutines at once.
type Client struct {
	outgoing Outgoing
	answers  *intake.Room
	now      func() time.Time
	random   func() float64
}

// New returns a client. It panics if config.Outgoing is nil.
func New(config Config) *Client {
	if config.Outgoing == nil {
		panic("fetch.New: Config.Outgoing is nil")
	}
	client := &Client{outgoing: config.Outgoing, answers: config.Answers, now: config.Now, random: config.Random}
	if client.now == nil {
		client.now = time.Now
	}
	if client.random == nil {
		client.random = rand.Float64
	}
	return client
}

// Task says what to attempt.
type Task struct {
	// Operation is one of the operations above.
	Operation string
	// Params is the JSON the task was created with.
	Params          json.RawMessage
	EnvironmentType protocol.EnvironmentType
	// Environment is the environment's id, whose part of the memory the answer takes.
	Environment string
	// Attempt counts the attempts at the task, this one included: 1 is the first.
	// Polls do not use it.
	Attempt int
	// StartedAt is when the task was created. Only polls use it.
	StartedAt time.Time
}

// Attempt makes one attempt at a task and returns what comes of it, which must be
// released.
func (c *Client) Attempt(ctx context.Context, task Task) Outcome {
	switch task.Operation {
	case OperationFetch, OperationFetchResponse:
		fetch, err := ParseFetch(task.Params)
		if err != nil {
			return failed("Invalid fetch operation: " + err.Error())
		}
		return c.fetch(ctx, task, fetch)
	case OperationPoll:
		poll, err := ParsePoll(task.Params)
		if err != nil {
			return failed("Invalid fetch poll params: " + err.Error())
		}
		return c.poll(ctx, task, poll)
	}
	return failed(fmt.Sprintf("Unknown operation %.100q: want %s, %s or %s",
		task.Operation, OperationFetch, OperationFetchResponse, OperationPoll))
}
