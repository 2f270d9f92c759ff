package storetest

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Clock stands still until it is started. It may be used concurrently.
type Clock struct {
	clock.System
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at a time with microseconds to lose.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 3, 29, 1, 59, 59, 123_456_000, time.UTC)}
}

// Now implements clock.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a store with an environment that has a job at an endpoint, and a
// second environment of the same project to keep apart from it.
type fixture struct {
	*testing.T
	store       *store.Store
	clock       *Clock
	environment *model.Environment
	other       *model.Environment
	endpoint    model.Endpoint
	job         model.Job
	version     store.JobVersion
}

// The keys of the fixture's environments.
const (
	secretKey      = "tr_dev_abcdefghij0123456789"
	publicKey      = "pk_dev_abcdefghij0123456789"
	otherSecretKey = "tr_prod_abcdefghij0123456789"
	otherPublicKey = "pk_prod_abcdefghij0123456789"
)

func newFixture(t *testing.T, open Open) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: NewClock()}
	f.store = open(t, f.clock)
	f.update(func(tx *store.Tx) error {
		return tx.CreateProject(
			model.Organization{ID: f.id(model.PrefixOrganization), Slug: "acme", Title: "Acme", MaximumExecution: 15 * time.Minute},
			model.Project{ID: f.id(model.PrefixProject), Slug: "shop", Name: "Shop"},
			[]store.NewEnvironment{
				{Slug: "dev", Type: protocol.Development, APIKey: secretKey, PublicKey: publicKey},
				{Slug: "prod", Type: protocol.Production, APIKey: otherSecretKey, PublicKey: otherPublicKey},
			})
	})
	environments := read(f, (*store.Tx).Environments)
	f.environment, f.other = environments[0], environments[1]
	f.endpoint = f.newEndpoint(f.environment, "app")
	f.job = write(f, func(tx *store.Tx) (model.Job, error) {
		return tx.UpsertJob(f.environment.Project.ID, model.Job{Slug: "fulfil-order", Title: "Fulfil order"})
	})
	f.version = f.newVersion(f.environment, f.endpoint, f.job, "1.0.0", true)
	return f
}

// id returns a new id.
func (f *fixture) id(prefix string) string { return model.NewID(prefix, f.clock.Now()) }

// update runs a transaction that must succeed.
func (f *fixture) update(fn func(tx *store.Tx) error) {
	f.Helper()
	if err := f.store.Update(f.Context(), fn); err != nil {
		f.Fatal(err)
	}
}

// refuses runs a transaction that must fail with the error.
func (f *fixture) refuses(want error, fn func(tx *store.Tx) error) {
	f.Helper()
	if err := f.store.Update(f.Context(), fn); !errors.Is(err, want) {
		f.Errorf("got error %v, want %v", err, want)
	}
}

// read returns what a read-only transaction reads.
func read[T any](f *fixture, fn func(tx *store.Tx) (T, error)) (value T) {
	f.Helper()
	err := f.store.View(f.Context(), func(tx *store.Tx) (err error) {
		value, err = fn(tx)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return value
}

// write returns what a transaction that writes returns.
func write[T any](f *fixture, fn func(tx *store.Tx) (T, error)) (value T) {
	f.Helper()
	f.update(func(tx *store.Tx) (err error) {
		value, err = fn(tx)
		return err
	})
	return value
}

// find returns a row that must be there.
func find[T any](f *fixture, fn func(tx *store.Tx) (T, bool, error)) (value T) {
	f.Helper()
	value, found := lookUp(f, fn)
	if !found {
		f.Fatal("the row is not there")
	}
	return value
}

// lookUp returns a row and whether it is there.
func lookUp[T any](f *fixture, fn func(tx *store.Tx) (T, bool, error)) (value T, found bool) {
	f.Helper()
	err := f.store.View(f.Context(), func(tx *store.Tx) (err error) {
		value, found, err = fn(tx)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return value, found
}

// missing fails the test if a row is there.
func missing[T any](f *fixture, what string, fn func(tx *store.Tx) (T, bool, error)) {
	f.Helper()
	if value, found := lookUp(f, fn); found {
		f.Errorf("%s: got %+v, want nothing", what, value)
	}
}

// equal fails the test if two values differ. Nil and empty lists are the same.
func equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if v := reflect.ValueOf(got); v.Kind() == reflect.Slice && v.Len() == 0 && reflect.ValueOf(want).Len() == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// wantCode fails the test if an error is not of a kind.
func wantCode(t testing.TB, err error, want model.Code) {
	t.Helper()
	if model.CodeOf(err) != want {
		t.Errorf("got error %v of kind %d, want kind %d", err, model.CodeOf(err), want)
	}
}

// names returns the ids of rows, for failures that can be read.
func names[T any](rows []T, name func(T) string) []string {
	list := make([]string, len(rows))
	for i, row := range rows {
		list[i] = name(row)
	}
	return list
}
