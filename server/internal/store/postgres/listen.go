package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runhook/runhook/server/internal/store/database"
)

// channel is the name that all messages go by.
const channel = "runhook"

// pingTimeout is how long a connection that was silent has to answer a ping.
const pingTimeout = 5 * time.Second

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
	for {
		err := db.listenOnce(ctx, fn)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		timer := time.NewTimer(db.listening.Failed(fmt.Errorf("listen for messages of other processes: %w", err)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// listenOnce listens on one connection until it is lost.
func (db *DB) listenOnce(ctx context.Context, fn func(message string)) error {
	connection, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer closeConnection(ctx, connection)
	if _, err := connection.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	db.listening.Succeeded()
	fn("")
	for {
		message, err := db.nextMessage(ctx, connection)
		if err != nil {
			return err
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
