package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// commit sends what waits together with the commit. Statements with a check are
// sent before it, as the check may want the transaction undone.
func (t *transaction) commit() error {
	if t.checks > 0 {
		if err := t.flush(); err != nil {
			return undone(err)
		}
	}
	if !t.begun && len(t.queue) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), endTimeout)
	defer cancel()
	t.ctx = ctx
	if !t.begun {
		return t.commitQueue()
	}
	batch := t.batch()
	batch.Queue("commit")
	results := t.connection.SendBatch(ctx, batch)
	var tag pgconn.CommandTag
	err := t.receiveQueue(results)
	if err == nil {
		if tag, err = results.Exec(); err != nil {
			err = t.fail(describe("commit", err))
		}
	}
	if closeError := results.Close(); err == nil && closeError != nil {
		err = t.fail(describe("commit", closeError))
	}
	if err == nil && tag.String() != "COMMIT" {
		err = t.fail(errors.New("commit: the server undid the transaction, as a statement in it had failed"))
	}
	return err
}

// commitQueue sends a transaction that is all in the queue. Statements sent
// together without BEGIN are one transaction, which ends with the last of them.
func (t *transaction) commitQueue() error {
	batch := &pgx.Batch{}
	t.addQueue(batch)
	results := t.connection.SendBatch(t.ctx, batch)
	err := t.receiveQueue(results)
	if closeError := results.Close(); err == nil && closeError != nil {
		err = t.fail(describe("commit", closeError))
	}
	return err
}

// rollback undoes what the transaction has done, also when its context has ended.
// If it cannot, the pool gives the connection up, which does the same.
func (t *transaction) rollback() {
	if !t.begun || t.connection.Conn().IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), endTimeout)
	defer cancel()
	if t.open != nil {
		t.open.Close()
	}
	t.connection.Exec(ctx, "rollback")
}
