package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/postgres"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// BenchmarkUpdate measures transactions of one INSERT with a payload of 500
// bytes, queued (one round trip) or run (two). The server that tests start does
// not sync to disk; name one that does in the variable testpostgres.Variable.
func BenchmarkUpdate(b *testing.B) {
	const insert = "INSERT INTO items (id, number, payload) VALUES ($1, $2, $3)"
	payload := strings.Repeat("p", 500)
	statements := map[string]func(c database.Conn, n int64) error{
		"queued": func(c database.Conn, n int64) error {
			return c.Queue(insert, []any{fmt.Sprintf("%012d", n), n, payload}, nil)
		},
		"run": func(c database.Conn, n int64) error {
			_, err := c.Exec(insert, fmt.Sprintf("%012d", n), n, payload)
			return err
		},
	}
	for name, statement := range statements {
		for _, goroutines := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/goroutines=%d", name, goroutines), func(b *testing.B) {
				db := open(b, testpostgres.URL(b), postgres.Options{})
				execute(b, db, "CREATE TABLE items (id TEXT PRIMARY KEY, number BIGINT NOT NULL, payload TEXT NOT NULL)")
				var number, left atomic.Int64
				left.Store(int64(b.N))
				done := make(chan error, goroutines)
				b.ResetTimer()
				for range goroutines {
					go func() {
						var err error
						for err == nil && left.Add(-1) >= 0 {
							err = db.Update(context.Background(), func(c database.Conn) error {
								return statement(c, number.Add(1))
							})
						}
						done <- err
					}()
				}
				for range goroutines {
					if err := <-done; err != nil {
						b.Error(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
			})
		}
	}
}
