package storetest

import (
	"time"

	"github.com/runhook/runhook/server/internal/store"
)

var sessionTests = []test{
	{"a link opens one session, which ends when it expires or is ended", func(f *fixture) {
		open := func(token, link string) (used bool) {
			return write(f, func(tx *store.Tx) (bool, error) { return tx.OpenSession(token, link, f.clock.Now().Add(2*time.Hour)) })
		}
		has := func(token string) bool {
			return read(f, func(tx *store.Tx) (bool, error) { return tx.HasSession(token) })
		}
		equal(f, "whether the link was used", open("one", "first"), false)
		equal(f, "whether the link was used", open("other", "first"), true)
		equal(f, "the session of the link", has("one"), true)
		equal(f, "a session that the link did not open", has("other"), false)

		equal(f, "whether the second link was used", open("two", "second"), false)
		write(f, func(tx *store.Tx) (struct{}, error) { return struct{}{}, tx.EndSession("two") })
		equal(f, "a session that was ended", has("two"), false)
		equal(f, "whether its link was used", open("three", "second"), true)
		equal(f, "the session of the first link", has("one"), true)

		f.clock.Advance(2 * time.Hour)
		equal(f, "a session that has expired", has("one"), false)
		equal(f, "whether its link was used", open("four", "first"), true)
		f.clock.Advance(time.Hour + time.Second)
		equal(f, "whether a link is on record that was valid long ago", open("five", "first"), false)
	}},
}
