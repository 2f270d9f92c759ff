package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

// BenchmarkUpdate measures durable transactions of one INSERT with a payload of
// 500 bytes and two indexes.
func BenchmarkUpdate(b *testing.B) {
	for _, goroutines := range []int{1, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			db := open(b, filepath.Join(b.TempDir(), "bench.db"))
			for _, query := range []string{
				"CREATE TABLE items (id TEXT PRIMARY KEY, state BIGINT NOT NULL, due_at BIGINT, payload TEXT NOT NULL)",
				"CREATE INDEX items_due ON items (due_at) WHERE due_at IS NOT NULL",
			} {
				mustUpdate(b, db, query)
			}
			payload := strings.Repeat("p", 500)
			var number atomic.Int64
			run := func() error {
				n := number.Add(1)
				return update(db, "INSERT INTO items (id, state, due_at, payload) VALUES ($1, $2, $3, $4)",
					fmt.Sprintf("%012d", n), n, n, payload)
			}
			done := make(chan error, goroutines)
			var left atomic.Int64
			left.Store(int64(b.N))
			before := db.Stats()
			b.ResetTimer()
			for range goroutines {
				go func() {
					var err error
					for err == nil && left.Add(-1) >= 0 {
						err = run()
					}
					done <- err
				}()
			}
			for range goroutines {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
			after := db.Stats()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
			b.ReportMetric(float64(after.Transactions-before.Transactions)/float64(after.Commits-before.Commits), "updates/commit")
		})
	}
}

// BenchmarkView measures a transaction that reads one row by its key.
func BenchmarkView(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "bench.db"))
	mustUpdate(b, db, "CREATE TABLE items (id TEXT PRIMARY KEY, state BIGINT NOT NULL)")
	mustUpdate(b, db, "INSERT INTO items (id, state) VALUES ('a', 1)")
	b.ResetTimer()
	for range b.N {
		err := db.View(b.Context(), func(c database.Conn) error {
			_, err := database.First(c, "SELECT state FROM items WHERE id = $1", []any{"a"}, new(int64))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
