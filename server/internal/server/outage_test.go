package server_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// away is a database that several processes could share and that fails as long as
// failure is set. It counts the transactions that were asked for.
type away struct {
	database.DB
	failure, writeFailure atomic.Pointer[error]
	// calls counts transactions, refused those that were not begun for a failure.
	calls, refused atomic.Int64
	// committed is called once, after the next transaction.
	committed atomic.Pointer[func()]
}

func (d *away) fail(read, write error) {
	d.failure.Store(&read)
	d.writeFailure.Store(&write)
}

func (d *away) call(failure *atomic.Pointer[error]) error {
	d.calls.Add(1)
	if err := failure.Load(); err != nil {
		d.refused.Add(1)
		return *err
	}
	return nil
}

// View implements [database.DB].
func (d *away) View(ctx context.Context, fn func(database.Conn) error) error {
	if err := d.call(&d.failure); err != nil {
		return err
	}
	return d.DB.View(ctx, fn)
}

// Update implements [database.DB].
func (d *away) Update(ctx context.Context, fn func(database.Conn) error) error {
	if err := d.call(&d.writeFailure); err != nil {
		return err
	}
	err := d.DB.Update(ctx, fn)
	if err == nil {
		if then := d.committed.Swap(nil); then != nil {
			(*then)()
		}
	}
	return err
}

// Ping implements [database.DB].
func (d *away) Ping(ctx context.Context) error {
	if err := d.call(&d.failure); err != nil {
		return err
	}
	return d.DB.Ping(ctx)
}

// Dialect implements [database.DB].
func (d *away) Dialect() database.Dialect {
	dialect := d.DB.Dialect()
	dialect.Exclusive = false
	return dialect
}

// silence is a listener that nobody connects to.
type silence struct {
	once   sync.Once
	closed chan struct{}
}

func (l *silence) Accept() (net.Conn, error) {
	<-l.closed
	return nil, net.ErrClosed
}

func (l *silence) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *silence) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// lines is a log, as text.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since the last take.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(l.text.String())
	l.text.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// inVirtualTime runs a test of a whole server in a bubble, on the system's clock,
// whose database can be taken away.
func inVirtualTime(t *testing.T, test func(t *testing.T, db *away, log *lines, ask func(method, path, body string) *httptest.ResponseRecorder)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, log := &away{}, &lines{}
		s, err := server.Open(t.Context(), server.Config{
			Database: harness.Memory, Listener: &silence{closed: make(chan struct{})}, Log: slog.New(slog.NewTextHandler(log, nil)),
			APIKeys: map[protocol.EnvironmentType]string{protocol.Development: "tr_dev_virtualtime0123456789"},
			WrapDatabase: func(opened database.DB) database.DB {
				db.DB = opened
				return db
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Errorf("run the server: %v", err)
			}
		})
		test(t, db, log, func(method, path, body string) *httptest.ResponseRecorder {
			answer := httptest.NewRecorder()
			request := httptest.NewRequest(method, path, strings.NewReader(body))
			request.Header.Set("Authorization", "Bearer tr_dev_virtualtime0123456789")
			s.Handler().ServeHTTP(answer, request)
			return answer
		})
		stop()
		running.Wait()
		if err := s.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
	})
}

func TestAServerWithoutItsDatabaseRestsAndLogsLittle(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, db *away, log *lines, ask func(method, path, body string) *httptest.ResponseRecorder) {
		time.Sleep(2 * time.Minute) // so that all loops have times that are past
		for i := range 20 {
			event := fmt.Sprintf(`{"event": {"id": "e%d", "name": "later"}, "options": {"deliverAfter": %d}}`, i, 3*i)
			if answer := ask("POST", "/api/v1/events", event); answer.Code != http.StatusOK {
				t.Fatalf("an event is answered %d %s", answer.Code, answer.Body)
			}
		}
		time.Sleep(time.Second)
		log.take()

		gone := fmt.Errorf("%w: %w: connection refused", database.ErrUndone, database.ErrUnavailable)
		db.fail(gone, gone)
		db.calls.Store(0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if calls := db.calls.Load(); calls > 400 {
			t.Errorf("the database was called %d times while it was away for a minute", calls)
		}
		for range 600 {
			if answer := ask("GET", "/api/v1/whoami", ""); answer.Code != http.StatusServiceUnavailable {
				t.Fatalf("a request is answered %d", answer.Code)
			}
			if answer := ask("GET", "/readyz", ""); answer.Code != http.StatusServiceUnavailable {
				t.Fatalf("/readyz is answered %d", answer.Code)
			}
		}
		failed := log.take()
		if len(failed) == 0 || len(failed) > 50 {
			t.Errorf("a minute without the database is logged in %d lines:\n%s", len(failed), strings.Join(failed, "\n"))
		}

		db.failure.Store(nil)
		db.writeFailure.Store(nil)
		time.Sleep(10 * time.Second)
		if answer := ask("GET", "/readyz", ""); answer.Code != http.StatusOK {
			t.Errorf("ten seconds after the database is back, /readyz is answered %d %s", answer.Code, answer.Body)
		}
		time.Sleep(10 * time.Second)
		recovered := map[string]int{}
		for _, line := range log.take() {
			if _, component, ok := strings.Cut(line, `msg="a component works again" component=`); ok {
				recovered[strings.Split(component, " failures")[0]]++
			}
		}
		for _, component := range []string{"runs", "tasks", "notifications", "schedules", "leases", `"database reads"`, `"database writes"`} {
			if recovered[component] != 1 {
				t.Errorf("the recovery of %s is logged %d times: %v", component, recovered[component], recovered)
			}
		}
	})
}

func TestAServerWhoseDiskIsFullIsNotReadyAndSaysWhatFails(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, db *away, _ *lines, ask func(method, path, body string) *httptest.ResponseRecorder) {
		time.Sleep(time.Minute)
		full := fmt.Errorf("commit: %w", database.ErrFull)
		db.writeFailure.Store(&full)
		time.Sleep(10 * time.Second)
		for range 10 {
			answer := ask("GET", "/readyz", "")
			if answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "database writes: its disk is full") {
				t.Fatalf("/readyz is answered %d %s", answer.Code, answer.Body)
			}
			time.Sleep(1100 * time.Millisecond)
		}
		db.writeFailure.Store(nil)
		time.Sleep(20 * time.Second)
		if answer := ask("GET", "/readyz", ""); answer.Code != http.StatusOK || strings.TrimSpace(answer.Body.String()) != `{"status":"ready"}` {
			t.Errorf("once there is room, /readyz is answered %d %s", answer.Code, answer.Body)
		}
	})
}
