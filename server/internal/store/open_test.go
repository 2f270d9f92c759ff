package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/store/storetest"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestOpeningADatabaseAgainChangesNothing(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url := engine.url(t)
			first := open(t, store.Options{URL: url})
			createEnvironments(t, first)
			before := dump(t, first)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, store.Options{URL: url})
			if after := dump(t, again); after != before {
				t.Errorf("the rows were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url := engine.url(t)
			s := open(t, store.Options{URL: url})
			applied := "TRUE"
			if s.Exclusive() {
				applied = "1"
			}
			execute(t, s, "INSERT INTO schema_versions (version_id, is_applied) VALUES (99999, "+applied+")")
			before := dump(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := store.Open(t.Context(), store.Options{URL: url, Clock: storetest.NewClock()})
			if err == nil || !strings.Contains(err.Error(), "newer Runhook") || !strings.Contains(err.Error(), "99999") {
				t.Errorf("got error %v, want one that speaks of a newer Runhook and its version", err)
			}
			if before == "" {
				t.Error("the database is empty")
			}
		})
	}
}

func TestADatabaseThatAnotherProcessHasOpenIsRefused(t *testing.T) {
	t.Parallel()
	url := engines[0].url(t)
	open(t, store.Options{URL: url})
	if _, err := store.Open(t.Context(), store.Options{URL: url, Clock: storetest.NewClock()}); !errors.Is(err, database.ErrInUse) {
		t.Errorf("got error %v, want %v", err, database.ErrInUse)
	}
}

func TestADatabaseURLSaysWhichEngine(t *testing.T) {
	t.Parallel()
	for url, valid := range map[string]bool{
		"sqlite:./runhook.db":          true,
		"sqlite::memory:":              true,
		"postgres://user@host/runhook": true,
		"postgresql://host/runhook":    true,
		"sqlite:":                      false,
		"runhook.db":                   false,
		"mysql://host/runhook":         false,
		"Postgres://host/runhook":      false,
		"":                             false,
	} {
		err := store.CheckURL(url)
		if (err == nil) != valid {
			t.Errorf("%q: got error %v, valid is %v", url, err, valid)
		}
		if valid {
			continue
		}
		if _, err := store.Open(t.Context(), store.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "sqlite:PATH") {
			t.Errorf("%q: got error %v, want one that says what a URL looks like", url, err)
		}
	}
}

func TestADatabaseIsOpenedWithoutAKeyAndALog(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), store.Options{URL: engine.url(t), Clock: storetest.NewClock()})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNothingOpensADatabaseOfAnotherEncoding(t *testing.T) {
	t.Parallel()
	options := store.Options{URL: testpostgres.URLWith(t, "ENCODING 'EUC_JP' LOCALE 'C' LOCALE_PROVIDER libc"), Clock: storetest.NewClock()}
	_, opened := store.Open(t.Context(), options)
	from := store.Options{URL: engines[0].url(t), Clock: storetest.NewClock()}
	if err := open(t, from).Close(); err != nil {
		t.Fatal(err)
	}
	_, moved := store.Move(t.Context(), from, options)
	for name, err := range map[string]error{
		"a server": opened, "migrate-db": moved, "doctor": store.Inspect(t.Context(), options, func(*store.Tx) error { return nil }),
	} {
		if err == nil || !strings.Contains(err.Error(), "EUC_JP") || !strings.Contains(err.Error(), "CREATE DATABASE") {
			t.Errorf("%s: got error %v, want one that says how to make another", name, err)
		}
	}
}
