package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// payload is what runs are invoked with.
type payload struct {
	Text string `json:"text"`
}

const smallestPayload = len(`{"text":""}`)

func payloadOf(size int) payload {
	return payload{Text: strings.Repeat("x", size-smallestPayload)}
}

// payloadText is a payload as JSON.
func payloadText(size int) []byte {
	text, err := json.Marshal(payloadOf(size))
	if err != nil {
		panic(err) // a string always encodes
	}
	return text
}

// patience is how long a webhook may take before the measurement has failed.
const patience = 30 * time.Second

// load invokes runs of one job and waits for their webhooks.
type load struct {
	client  *http.Client
	url     string // that invokes the job
	body    []byte
	inbox   *inbox
	clients int
	waitFor string
}

func newLoad(o options, inbox *inbox, serverURL, callbackURL string, tasks int) *load {
	body, err := json.Marshal(map[string]any{
		"payload": payloadOf(o.payload), "options": map[string]string{"callbackUrl": callbackURL},
	})
	if err != nil {
		panic(err) // two strings always encode
	}
	return &load{
		client: newClient(), url: serverURL + "/api/v1/jobs/" + jobName(tasks) + "/invoke",
		body: body, inbox: inbox, clients: o.clients, waitFor: o.waitFor,
	}
}

// invoke starts a run and returns where its webhook will be announced.
func (l *load) invoke(ctx context.Context) (<-chan arrival, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(l.body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	var run struct {
		ID string `json:"id"`
	}
	if err := exchange(l.client, request, &run); err != nil {
		return nil, err
	}
	return l.inbox.expect(run.ID), nil
}

// saturate has every client invoke one run after the other for a while, and
// returns how many runs were completed in what time. When clients do not wait
// for webhooks, the time lasts until the last of these has come.
func (l *load) saturate(ctx context.Context, duration time.Duration) (runs int, took time.Duration, err error) {
	start := time.Now()
	until := start.Add(duration)
	arrivals := make([][]arrival, l.clients)
	group, ctx := errgroup.WithContext(ctx)
	for i := range l.clients {
		group.Go(func() (err error) {
			arrivals[i], err = l.invokeUntil(ctx, until)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	last := until
	for _, arrived := range slices.Concat(arrivals...) {
		if l.waitFor == waitForAnswer || arrived.at.Before(until) {
			runs++
		}
		if arrived.at.After(last) && l.waitFor == waitForAnswer {
			last = arrived.at
		}
	}
	return runs, last.Sub(start), nil
}

// invokeUntil invokes one run after the other and returns their webhooks.
func (l *load) invokeUntil(ctx context.Context, until time.Time) (arrivals []arrival, err error) {
	var open []<-chan arrival
	for time.Now().Before(until) || len(open) > 0 {
		if time.Now().Before(until) {
			coming, err := l.invoke(ctx)
			if err != nil {
				return nil, err
			}
			open = append(open, coming)
			if l.waitFor == waitForAnswer {
				continue
			}
		}
		arrived, err := await(ctx, open[0])
		if err != nil {
			return nil, err
		}
		arrivals, open = append(arrivals, arrived), open[1:]
	}
	return arrivals, nil
}

// await returns the webhook of a run.
func await(ctx context.Context, coming <-chan arrival) (arrival, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case arrived := <-coming:
		return arrived, nil
	case <-ctx.Done():
		return arrival{}, context.Cause(ctx)
	case <-timer.C:
		return arrival{}, fmt.Errorf("no webhook within %v of the answer", patience)
	}
}

// times are how long after their invocation runs reached a point, in
// milliseconds.
type times struct{ toCode, toWebhook []float64 }

// trickle invokes runs at random moments, so many a second on average, whatever
// becomes of those before.
func (l *load) trickle(ctx context.Context, perSecond float64, duration time.Duration) (times, error) {
	random := rand.New(rand.NewPCG(1, 2)) // the same moments in each measurement
	var mu sync.Mutex
	var measured times
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for at := start; at.Sub(start) < duration; at = at.Add(time.Duration(random.ExpFloat64() / perSecond * float64(time.Second))) {
		if err := sleepUntil(ctx, at); err != nil {
			break
		}
		group.Go(func() error {
			sent := time.Now()
			coming, err := l.invoke(ctx)
			if err != nil {
				return err
			}
			arrived, err := await(ctx, coming)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			measured.toCode = append(measured.toCode, milliseconds(time.Unix(0, arrived.codeStartedAt).Sub(sent)))
			measured.toWebhook = append(measured.toWebhook, milliseconds(arrived.at.Sub(sent)))
			return nil
		})
	}
	return measured, group.Wait()
}

func sleepUntil(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
