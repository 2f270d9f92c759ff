package databasetest

import (
	"encoding/json"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

// replacedText stores text that no database is to hold, in each of the types that
// text comes in, and finds it by the same words again.
func replacedText(t *testing.T, db database.DB) {
	mustUpdate(t, db, createValues)
	tests := []struct{ given, kept string }{
		{"a\x00b\x00", "a\uFFFDb\uFFFD"},
		{"gr\xfc", "gr\uFFFD"},
		{"\xed\xa0\xbd!", "\uFFFD!"},
		{"\xff\xfe\x00", "\uFFFD\uFFFD"},
		{"\xe2\x82", "\uFFFD"},
	}
	for i, test := range tests {
		for kind, text := range map[string]any{
			"string": test.given, "named": status(test.given), "pointer": pointer(test.given), "named pointer": pointer(status(test.given)), "json": json.RawMessage(test.given),
		} {
			args := []any{kind + test.given, text, i}
			mustUpdate(t, db, "INSERT INTO thing (id, a_text, an_integer) VALUES ($1, $2, $3)", args...)
			if args[0] != kind+test.given {
				t.Errorf("%s: the caller's arguments were changed to %q", kind, args)
			}
			for _, id := range []string{kind + test.given, kind + test.kept} {
				var kept string
				read(t, db, "SELECT a_text FROM thing WHERE id = $1", []any{id}, &kept)
				if kept != test.kept {
					t.Errorf("%s: %q was stored as %q, want %q", kind, test.given, kept, test.kept)
				}
			}
		}
	}
	mustUpdate(t, db, "INSERT INTO thing (id, some_bytes) VALUES ('bytes', $1)", []byte("\x00\xff"))
	var kept []byte
	read(t, db, "SELECT some_bytes FROM thing WHERE id = 'bytes'", nil, &kept)
	if string(kept) != "\x00\xff" {
		t.Errorf("bytes were stored as %q", kept)
	}
}
