package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/runhook/runhook/server/internal/store/database"
)

// transactionsPerRun is how many transactions a run takes at the least: to accept
// it, to end it, to note that it was reported; and one each to create and to
// complete a task.
func transactionsPerRun(tasks int) int { return 3 + 2*tasks }

// rowSize is about what one of these transactions writes, in bytes.
const rowSize = 900

// commitRate returns how many transactions a second an engine commits that write
// one row each, when as many clients as the runs have write at once.
func commitRate(ctx context.Context, db database.DB, clients int, duration time.Duration) (float64, error) {
	err := db.Update(ctx, func(c database.Conn) error {
		_, err := c.Exec("CREATE TABLE IF NOT EXISTS bench_rows (id TEXT PRIMARY KEY, body TEXT NOT NULL)")
		return err
	})
	if err != nil {
		return 0, err
	}
	counts := make([]int, clients)
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for client := range clients {
		group.Go(func() error {
			for time.Since(start) < duration {
				id := fmt.Sprintf("row_%012d_%03d", time.Since(start), client)
				if err := insertRow(ctx, db, id); err != nil {
					return err
				}
				counts[client]++
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	total := 0
	for _, count := range counts {
		total += count
	}
	return float64(total) / time.Since(start).Seconds(), nil
}

var rowBody = strings.Repeat("x", rowSize)

func insertRow(ctx context.Context, db database.DB, id string) error {
	return db.Update(ctx, func(c database.Conn) error {
		return c.Queue("INSERT INTO bench_rows (id, body) VALUES ($1, $2)", []any{id, rowBody}, nil)
	})
}

// commitTime returns the median time of one such transaction alone, in
// milliseconds, with pauses between them.
func commitTime(ctx context.Context, db database.DB, times int) (float64, error) {
	var took []float64
	for i := range times {
		if err := sleepUntil(ctx, time.Now().Add(20*time.Millisecond)); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := insertRow(ctx, db, fmt.Sprintf("alone_%09d", i)); err != nil {
			return 0, err
		}
		took = append(took, milliseconds(time.Since(start)))
	}
	return quantile(took, 0.5), nil
}

// syncTime returns the median time of a sync of a file that has grown by 4 KiB,
// in milliseconds.
func syncTime(folder string, times int) (_ float64, err error) {
	file, err := os.Create(filepath.Join(folder, "sync"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	page := slices.Repeat([]byte("x"), 4096)
	var took []float64
	for range times {
		if _, err := file.Write(page); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := file.Sync(); err != nil {
			return 0, err
		}
		took = append(took, milliseconds(time.Since(start)))
	}
	return quantile(took, 0.5), nil
}
