package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runhook/runhook/server/internal/store/database"
)

// channel is the name that all messages go by.
const channel = "runhook"

const (
	// pingTimeout is how long a connection that was silent has to answer a ping.
	pingTimeout = 5 * time.Second
	// Pauses between attempts to connect grow between these.
	shortestReconnect, longestReconnect = 50 * time.Millisecond, 5 * time.Second
)

// Listen calls fn for the messages of other processes until ctx ends. It has a
// connection of its own, makes a new one whenever that is lost, and calls fn with
// an empty message once it listens again.
func (db *DB) Listen(ctx context.Context, fn func(message string)) error {
	if err := db.gate.Enter(); err != nil {
		return err
	}
	defer db.gate.Leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopped := make(chan struct{})
	defer close(stopped)
	go func() {
		select {
		case <-db.gate.Closing():
			cancel(database.ErrClosed)
		case <-stopped:
		}
	}()
	for wait := shortestReconnect; ; {
		listening, err := db.listenOnce(ctx, fn)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		db.logger.WarnContext(ctx, "postgres: the connection that listens for messages was lost, connecting again", "err", err)
		if listening {
			wait = shortestReconnect
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		wait = min(2*wait, longestReconnect)
	}
}

// listenOnce listens on one connection until it is lost, and reports whether it
// ever listened.
func (db *DB) listenOnce(ctx context.Context, fn func(message string)) (bool, error) {
	connection, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return false, err
	}
	defer closeConnection(ctx, connection)
	if _, err := connection.Exec(ctx, "LISTEN "+channel); err != nil {
		return false, err
	}
	fn("")
	for {
		message, err := db.nextMessage(ctx, connection)
		if err != nil {
			return true, err
		}
		if message != "" {
			fn(message)
		}
	}
}

// nextMessage waits for a message. It returns an empty one when there was none
// for us in a while and the connection still answers.
func (db *DB) nextMessage(ctx context.Context, connection *pgx.Conn) (string, error) {
	waiting, cancel := context.WithTimeout(ctx, db.healthInterval)
	defer cancel()
	notification, err := connection.WaitForNotification(waiting)
	if err == nil {
		sender, message, _ := strings.Cut(notification.Payload, " ")
		if sender == db.instance {
			return "", nil
		}
		return message, nil
	}
	if ctx.Err() != nil || waiting.Err() == nil || connection.IsClosed() {
		return "", err
	}
	pinging, cancelPing := context.WithTimeout(ctx, pingTimeout)
	defer cancelPing()
	if err := connection.Ping(pinging); err != nil {
		return "", fmt.Errorf("no answer to a ping: %w", err)
	}
	return "", nil
}

func closeConnection(ctx context.Context, connection *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	connection.Close(ctx)
}
