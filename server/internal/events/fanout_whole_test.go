package events_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// failingDatabase fails a transaction once, in the middle of the runs it inserts.
type failingDatabase struct {
	database.DB
	// at is with which statement that inserts runs it fails, counted from 1.
	at     int
	failed chan struct{}

	mu   sync.Mutex
	done bool
}

var errInjected = errors.New("the test had this statement fail")

func (d *failingDatabase) Update(ctx context.Context, fn func(database.Conn) error) error {
	return d.DB.Update(ctx, func(conn database.Conn) error { return fn(&failingConn{Conn: conn, database: d}) })
}

type failingConn struct {
	database.Conn
	database *failingDatabase
	inserted int
}

func (c *failingConn) Queue(query string, args []any, check func(int64) error) error {
	if strings.Contains(query, "INSERT INTO runs") {
		c.inserted++
		if c.database.fails(c.inserted) {
			return errInjected
		}
	}
	return c.Conn.Queue(query, args, check)
}

// fails reports, once, whether the statement that is the given one of its
// transaction fails.
func (d *failingDatabase) fails(number int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done || number < d.at {
		return false
	}
	d.done = true
	close(d.failed)
	return true
}

func TestAFanOutThatFailsMidwayHasDoneNothing(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, url string) {
		const jobs = 1000
		faulty := &failingDatabase{at: 10, failed: make(chan struct{})}
		s := harness.Start(t, harness.Options{Database: url, Adjust: func(c *server.Config) {
			c.WrapDatabase = func(db database.DB) database.DB {
				faulty.DB = db
				return faulty
			}
		}})
		app := harness.NewApp(t, s)
		index(t, s, app, listeners(jobs, "all")...)
		send(s, object{"id": "now", "name": "all"}, nil)
		<-faulty.failed
		if got := details(s, "now"); len(got.Runs) != 0 {
			t.Errorf("the delivery that failed left %d runs", len(got.Runs))
		}
		// It is tried again once that is recorded, which is a moment later.
		s.Wait("the event to be delivered", func() bool {
			s.Clock.Advance(time.Second)
			runs := len(details(s, "now").Runs)
			if runs != 0 && runs != jobs {
				t.Fatalf("the event was seen half delivered: it had started %d runs", runs)
			}
			return runs == jobs
		})
		wantEachJobOnce(t, s, app, "now", jobs)
	})
}
