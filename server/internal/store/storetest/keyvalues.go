package storetest

import (
	"crypto/rand"
	"strings"

	"github.com/runhook/runhook/server/internal/store"
)

var keyValueTests = []test{
	{"a name keeps the text that it was last given, in its environment", keyValues},
	{"a name from before there was a limit is found, and forgotten", longNames},
}

func keyValues(f *fixture) {
	value := func(environmentID string) func(tx *store.Tx) (string, bool, error) {
		return func(tx *store.Tx) (string, bool, error) { return tx.Value(environmentID, "a/b") }
	}
	has := func() bool {
		return read(f, func(tx *store.Tx) (bool, error) { return tx.HasValue(f.environment.ID, "a/b") })
	}
	forget := func() bool {
		return write(f, func(tx *store.Tx) (bool, error) { return tx.DeleteValue(f.environment.ID, "a/b") })
	}
	missing(f, "a value that was never set", value(f.environment.ID))
	equal(f, "there is one", has(), false)
	for _, text := range []string{`{"a": "<ü>"}`, ""} {
		f.update(func(tx *store.Tx) error { return tx.SetValue(f.environment.ID, "a/b", text) })
		equal(f, "the value", find(f, value(f.environment.ID)), text)
	}
	equal(f, "there is one", has(), true)
	missing(f, "the value in the other environment", value(f.other.ID))
	equal(f, "one was forgotten", forget(), true)
	equal(f, "another was forgotten", forget(), false)
	missing(f, "the value that was forgotten", value(f.environment.ID))
}

func longNames(f *fixture) {
	// Random, as PostgreSQL takes what compresses.
	var long strings.Builder
	for long.Len() < 6000 {
		long.WriteString(rand.Text())
	}
	for _, name := range []string{long.String(), long.String() + "other"} {
		f.update(func(tx *store.Tx) error { return tx.SetValue(f.environment.ID, name, "value of "+name) })
		value := func(tx *store.Tx) (string, bool, error) { return tx.Value(f.environment.ID, name) }
		equal(f, "the value", find(f, value), "value of "+name)
		equal(f, "there is one", read(f, func(tx *store.Tx) (bool, error) { return tx.HasValue(f.environment.ID, name) }), true)
		equal(f, "one was forgotten", write(f, func(tx *store.Tx) (bool, error) { return tx.DeleteValue(f.environment.ID, name) }), true)
		missing(f, "the value that was forgotten", value)
	}
}
