package store_test

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/storetest"
)

// recorder remembers the statements that stores execute, and for which methods.
type recorder struct {
	mu sync.Mutex
	// statements holds, by its text, the first execution of each statement.
	statements map[string]statement
	// methods holds those of Store and Tx that used the database.
	methods map[string]bool
}

// statement is one execution of a statement of the store.
type statement struct {
	query  string
	args   []any
	method string
}

func newRecorder() *recorder {
	return &recorder{statements: map[string]statement{}, methods: map[string]bool{}}
}

// testRecorded runs the suite on an engine, and then looks at what it executed.
func testRecorded(t *testing.T, url func(testing.TB) string) {
	recorder := newRecorder()
	complete := t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB, clock clock.Clock) *store.Store {
			s := open(t, store.Options{URL: url(t), Clock: clock})
			store.WrapDatabase(s, func(db database.DB) database.DB { return recordedDB{db, recorder} })
			return s
		})
	})
	if !complete {
		return
	}
	t.Run("every method is called", recorder.testCoverage)
	t.Run("every column is read", func(t *testing.T) {
		testColumns(t, url(t), recorder.all())
	})
	t.Run("every statement finds its rows by an index", func(t *testing.T) {
		testPlans(t, url(t), recorder.all())
	})
}

// notRecorded are the methods that never use the database: [store.Tx.SharedNow] does
// not in the suite, which has a clock of its own.
var notRecorded = []string{"(*Tx).Now", "(*Tx).SharedNow", "(*Tx).AfterRollback", "(*Store).HasFile", "(*Store).CheckFile", "(*Store).FileState",
	"(*Tx).HTTPEndpointReference", "(*Tx).SecretReference", "(*Tx).HideSecrets", "(*Store).HideSecrets", "(*Tx).SealMembers", "(*Store).SignInKey"}

// testCoverage fails for methods that the suite did not call: their statements
// were never executed on this engine.
func (r *recorder) testCoverage(t *testing.T) {
	for _, of := range []reflect.Type{reflect.TypeFor[*store.Store](), reflect.TypeFor[*store.Tx]()} {
		for method := range of.Methods() {
			name := "(*" + of.Elem().Name() + ")." + method.Name
			if !r.methods[name] && !slices.Contains(notRecorded, name) {
				t.Errorf("no test of the suite calls %s", name)
			}
		}
	}
}

// all returns the statements in the order of their methods.
func (r *recorder) all() []statement {
	var all []statement
	for _, s := range r.statements {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b statement) int {
		return strings.Compare(a.method+a.query, b.method+b.query)
	})
	return all
}

// called records the methods that are being executed, and returns the innermost
// exported one of a transaction.
func (r *recorder) called() (method string) {
	const ofStore = "internal/store."
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		frame, more := frames.Next()
		if _, name, ok := strings.Cut(frame.Function, ofStore); ok {
			r.methods[name] = true
			if _, short, _ := strings.Cut(name, ")."); method == "" && short != "" && strings.ToUpper(short[:1]) == short[:1] {
				method = name
			}
		}
		if !more {
			return method
		}
	}
}

func (r *recorder) executed(query string, args []any) {
	method := r.called()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.statements[query]; !known {
		r.statements[query] = statement{query, args, method}
	}
}

// recordedDB is a database whose use is recorded.
type recordedDB struct {
	database.DB
	recorder *recorder
}

func (d recordedDB) View(ctx context.Context, fn func(database.Conn) error) error {
	d.recorder.called()
	return d.DB.View(ctx, func(c database.Conn) error { return fn(recordedConn{c, d.recorder}) })
}

func (d recordedDB) Update(ctx context.Context, fn func(database.Conn) error) error {
	d.recorder.called()
	return d.DB.Update(ctx, func(c database.Conn) error { return fn(recordedConn{c, d.recorder}) })
}

func (d recordedDB) Listen(ctx context.Context, fn func(string)) error {
	d.recorder.called()
	return d.DB.Listen(ctx, fn)
}

func (d recordedDB) Ping(ctx context.Context) error {
	d.recorder.called()
	return d.DB.Ping(ctx)
}

func (d recordedDB) Dialect() database.Dialect {
	d.recorder.called()
	return d.DB.Dialect()
}

func (d recordedDB) Stats() database.Stats {
	d.recorder.called()
	return d.DB.Stats()
}

func (d recordedDB) Failed() <-chan struct{} {
	d.recorder.called()
	return d.DB.Failed()
}

func (d recordedDB) Close() error {
	d.recorder.called()
	return d.DB.Close()
}

// recordedConn is a transaction whose statements are recorded.
type recordedConn struct {
	database.Conn
	recorder *recorder
}

func (c recordedConn) Exec(query string, args ...any) (int64, error) {
	c.recorder.executed(query, args)
	return c.Conn.Exec(query, args...)
}

func (c recordedConn) Queue(query string, args []any, check func(int64) error) error {
	c.recorder.executed(query, args)
	return c.Conn.Queue(query, args, check)
}

func (c recordedConn) Query(query string, args ...any) (database.Rows, error) {
	c.recorder.executed(query, args)
	return c.Conn.Query(query, args...)
}

func (c recordedConn) Notify(message string) error {
	c.recorder.called()
	return c.Conn.Notify(message)
}

func (c recordedConn) AfterCommit(fn func()) {
	c.recorder.called()
	c.Conn.AfterCommit(fn)
}
