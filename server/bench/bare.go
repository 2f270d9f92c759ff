package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// bareSenders is how many requests the bare client has in flight: as many as a
	// server has at one destination. mostBare is how many it sends at the most.
	bareSenders = 64
	mostBare    = 50_000
)

// The headers that say what the bare client has to do with the request that has them.
const (
	headerBareTo    = "Bare-To"
	headerBareCount = "Bare-Count"
)

// bareClient is what sending notifications is compared with: the client of the
// standard library, in a process of its own as the server is. It sends on the
// request that it is sent, as often as that says, and answers when all of these were.
type bareClient struct{ client *http.Client }

func playBare(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet(partBare, flag.ContinueOnError)
	trusted := flags.String("trust", "", "file of the certificate to trust")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	text, err := os.ReadFile(*trusted)
	if err != nil {
		return err
	}
	return serveUntilEnd(ctx, &bareClient{newTrustingClient(poolOf(text))})
}

// ServeHTTP implements [http.Handler].
func (b *bareClient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	count, err := strconv.ParseInt(r.Header.Get(headerBareCount), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	to, header := r.Header.Get(headerBareTo), r.Header.Clone()
	header.Del(headerBareTo)
	header.Del(headerBareCount)
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = b.send(r.Context(), to, message{header, body}, count)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func (b *bareClient) send(ctx context.Context, to string, m message, count int64) error {
	var left atomic.Int64
	left.Store(count)
	senders, ctx := errgroup.WithContext(ctx)
	for range bareSenders {
		senders.Go(func() error {
			for left.Add(-1) >= 0 {
				if err := b.sendOne(ctx, to, m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return senders.Wait()
}

func (b *bareClient) sendOne(ctx context.Context, to string, m message) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(m.body))
	if err != nil {
		return err
	}
	request.Header = m.header // which nothing changes
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s: %s", to, response.Status)
	}
	return err
}

// startBare starts a bare client.
func (b *bench) startBare() (*companion, error) {
	if !b.options.inProcess {
		return startPart(partBare, "-trust", b.identity.file)
	}
	client := newTrustingClient(b.identity.pool)
	c, err := startInside(&bareClient{client})
	if err == nil {
		c.client = client
	}
	return c, err
}

// measureBare has the bare client send a message to a receiver as often as was
// given.
func (b *bench) measureBare(ctx context.Context, to string, m message, count int64) (sent sending, err error) {
	bare, err := b.startBare()
	if err != nil {
		return sending{}, err
	}
	defer func() { err = errors.Join(err, bare.stop()) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, bare.url, bytes.NewReader(m.body))
	if err != nil {
		return sending{}, err
	}
	request.Header = m.header.Clone()
	request.Header.Set(headerBareTo, to)
	request.Header.Set(headerBareCount, strconv.FormatInt(count, 10))
	began, before := time.Now(), usageOf(bare.pid, os.Getpid())
	if err := exchange(http.DefaultClient, request, nil); err != nil {
		return sending{}, err
	}
	sent.perSecond = float64(count) / time.Since(began).Seconds()
	if used := usageOf(bare.pid, os.Getpid()).minus(before); used.known {
		sent.seconds = used.cpu.Seconds() / float64(count) * 1000
	}
	return sent, nil
}
