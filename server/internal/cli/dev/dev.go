package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/egress"
	"github.com/runhook/runhook/server/internal/endpoint"
)

// Config says what to stand between. AppURL and Clock may be empty.
type Config struct {
	// AppURL is where the app is: a URL, host:port or a port. Without a path it is
	// given the usual one, and if it is empty the usual places are looked at.
	AppURL string
	// ServerURL is the base of the server's API.
	ServerURL string
	// APIKey is the secret key of the environment.
	APIKey string
	Out    io.Writer
	// Colour has lines coloured.
	Colour bool
	// Clock is the machine's if nil.
	Clock clock.Clock
}

// Run finds and registers the app, then keeps at it until ctx ends, and returns
// nil if that was what ended it. Any other error is written for people: what was
// tried, why it did not work, and what to do.
func Run(ctx context.Context, config Config) error {
	if config.Clock == nil {
		config.Clock = clock.System{}
	}
	server, err := newServer(config)
	if err != nil {
		return err
	}
	guard := egress.New(egress.Config{})
	defer guard.Close()
	d := &developer{
		Config: config, server: server, screen: newScreen(config.Out, config.Colour),
		apps: endpoint.New(endpoint.Config{Outgoing: guard, Timeout: appTimeout, Now: config.Clock.Now}),
	}
	err = d.run(ctx)
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	return err
}

// developer is a run of the command.
type developer struct {
	Config
	server *server
	apps   *endpoint.Client
	screen *screen
	app    app
	// watching shows what the server publishes, and attaches to the app there.
	watching *follower
	// known is what the app last said it can do.
	known protocol.Index
}

func (d *developer) run(ctx context.Context) (err error) {
	environment, err := d.server.environment(ctx)
	if err != nil {
		return err
	}
	d.screen.print("%s at %s, project %s", environment.Type, d.server.APIURL(), environment.Project.Slug)
	if d.app, err = d.awaitApp(ctx); err != nil {
		return err
	}
	d.screen.print("App %q at %s%s", d.app.id, d.app.url, d.app.madeWith())

	ctx, stop := context.WithCancelCause(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer stop(nil)
	d.watching = newFollower(d.server, d.screen, d.app)
	working.Go(func() { stop(d.watching.follow(ctx)) })
	select {
	case <-d.watching.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := d.register(ctx); err != nil {
		return err
	}
	d.screen.print("Watching; what happens shows below. Ctrl-C ends this, and leaves the server and the app as they are.\n")
	working.Go(func() { stop(d.watchApp(ctx, d.watching.again)) })
	<-ctx.Done()
	return context.Cause(ctx)
}

// problem is an error with what to do about it.
func problem(what string, advice ...string) error {
	return errors.New(strings.Join(append([]string{what}, advice...), "\n"))
}

// plural returns a number with the word it counts.
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
