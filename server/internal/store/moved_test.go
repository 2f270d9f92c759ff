package store_test

import (
	"testing"

	"github.com/runhook/runhook/server/internal/store"
)

func TestAURLIsShownWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://user:secret@db:5432/name":                       "postgres://user:xxxxx@db:5432/name",
		"postgres://user@db/name?password=secret&sslmode=disable":   "postgres://user@db/name",
		"postgres://user:secret@a:5432,b:5432/name?password=secret": "postgres://user:xxxxx@a:5432,b:5432/name",
		"postgres://user:sec#ret@db/name":                           "postgres://...@db/name",
		"postgres://user:sec@ret@db/name":                           "postgres://user:xxxxx@db/name",
		"postgres:///name?host=/tmp&password=secret":                "its URL",
		"postgres://user:12?ret@db/name":                            "its URL",
	} {
		if shown := store.ShownURL(url); shown != want {
			t.Errorf("%s is shown as %s, want %s", url, shown, want)
		}
	}
}
