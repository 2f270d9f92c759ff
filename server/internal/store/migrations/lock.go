package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/lock"
)

// advisoryLock lets one process at a time migrate a PostgreSQL database.
type advisoryLock struct{}

var _ lock.SessionLocker = advisoryLock{}

const (
	// lockNumber is any number that no other program locks in the same database.
	lockNumber = 0x72756e686f6f6b // "runhook"
	// lockPause is the time between attempts. To wait for the lock inside the
	// server would keep a snapshot open, which CREATE INDEX CONCURRENTLY waits
	// for.
	lockPause = 50 * time.Millisecond
)

// SessionLock waits until the lock is ours.
func (advisoryLock) SessionLock(ctx context.Context, connection *sql.Conn) error {
	ticker := time.NewTicker(lockPause)
	defer ticker.Stop()
	for {
		var taken bool
		row := connection.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockNumber))
		if err := row.Scan(&taken); err != nil {
			return fmt.Errorf("lock the database for a migration: %w", err)
		}
		if taken {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for another process to migrate the database: %w", ctx.Err())
		}
	}
}

// SessionUnlock gives the lock back, also when the migration was cut short.
func (advisoryLock) SessionUnlock(ctx context.Context, connection *sql.Conn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := connection.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(lockNumber))
	return err
}
