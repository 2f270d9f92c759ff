package store_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/storetest"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

// engines are the databases that a store runs on, by how to make an empty one.
var engines = []struct {
	name string
	url  func(t testing.TB) string
}{
	{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "runhook.db") }},
	{"postgres", func(t testing.TB) string { return testpostgres.URL(t) }},
}

// open opens a store, which is closed when the test ends.
func open(t testing.TB, options store.Options) *store.Store {
	t.Helper()
	if options.Clock == nil {
		options.Clock = storetest.NewClock()
	}
	options.Log = slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestStoreOnSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, clock clock.Clock) *store.Store {
		return open(t, store.Options{URL: engines[0].url(t), Clock: clock})
	})
}

func TestStoreOnSQLiteInMemory(t *testing.T) {
	t.Parallel()
	testRecorded(t, func(testing.TB) string { return "sqlite::memory:" })
}

func TestStoreOnPostgreSQL(t *testing.T) {
	t.Parallel()
	testRecorded(t, engines[1].url)
}
