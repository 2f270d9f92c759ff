package databasetest

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/runhook/runhook/server/internal/store/database"
)

// status is a named type, as the model has many.
type status string

const createValues = `CREATE TABLE thing (
	id TEXT PRIMARY KEY, a_text TEXT, an_integer BIGINT, a_boolean BOOLEAN, a_float DOUBLE PRECISION, some_bytes BYTEA)`

// thing is a row of the table above, each column in the types it is read into.
type thing struct {
	Text    *string
	Integer *int64
	Boolean *bool
	Float   *float64
	Bytes   []byte
}

func pointer[T any](v T) *T { return &v }

func values(t *testing.T, db database.DB) {
	mustUpdate(t, db, createValues)
	tests := []struct {
		name string
		row  thing
	}{
		{"nothing", thing{}},
		{"empty", thing{pointer(""), pointer(int64(0)), pointer(false), pointer(0.0), []byte{}}},
		{"largest", thing{pointer("é 漢字 🎉 \u2028 \"'\\"), pointer(int64(math.MaxInt64)), pointer(true), pointer(math.MaxFloat64), []byte{0, 255, '\''}}},
		{"smallest", thing{pointer(" "), pointer(int64(math.MinInt64)), pointer(false), pointer(-0.1), []byte("text")}},
		{"whole number as a float", thing{pointer("1"), pointer(int64(1)), pointer(true), pointer(3.0), []byte("1")}},
	}
	for _, test := range tests {
		in := test.row
		mustUpdate(t, db, "INSERT INTO thing (id, a_text, an_integer, a_boolean, a_float, some_bytes) VALUES ($1, $2, $3, $4, $5, $6)",
			test.name, in.Text, in.Integer, in.Boolean, in.Float, in.Bytes)
		var out thing
		read(t, db, "SELECT a_text, an_integer, a_boolean, a_float, some_bytes FROM thing WHERE id = $1", []any{test.name},
			&out.Text, &out.Integer, &out.Boolean, &out.Float, &out.Bytes)
		if !reflect.DeepEqual(in, out) {
			t.Errorf("%s: got %+v, want %+v", test.name, out, in)
		}
	}
}

// read scans the one row of a query.
func read(t *testing.T, db database.DB, query string, args []any, dest ...any) {
	t.Helper()
	err := db.View(t.Context(), func(c database.Conn) error {
		found, err := database.First(c, query, args, dest...)
		if err == nil && !found {
			t.Errorf("%s: no row", query)
		}
		return err
	})
	if err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

func argumentTypes(t *testing.T, db database.DB) {
	mustUpdate(t, db, createValues)
	const insert = "INSERT INTO thing (id, a_text, an_integer, a_boolean, a_float, some_bytes) VALUES ($1, $2, $3, $4, $5, $6)"
	mustUpdate(t, db, insert, "plain", "text", 5, true, 1.5, []byte("bytes"))
	mustUpdate(t, db, insert, "named", status("text"), int32(5), pointer(true), float32(1.5), []byte("bytes"))
	mustUpdate(t, db, insert, "pointers", pointer(status("text")), pointer(5), pointer(true), pointer(1.5), pointer([]byte("bytes")))
	mustUpdate(t, db, insert, "json", json.RawMessage("text"), int64(5), true, 1.5, []byte("bytes"))
	for _, id := range []string{"plain", "named", "pointers", "json"} {
		var text string
		var named status
		var pointed *status
		var raw json.RawMessage
		var integer int
		var small int32
		var boolean bool
		var float float64
		var binary []byte
		read(t, db, "SELECT a_text, a_text, a_text, a_text, an_integer, an_integer, a_boolean, a_float, some_bytes FROM thing WHERE id = $1 AND a_text = 'text'",
			[]any{id}, &text, &named, &pointed, &raw, &integer, &small, &boolean, &float, &binary)
		if text != "text" || named != "text" || pointed == nil || *pointed != "text" || string(raw) != "text" ||
			integer != 5 || small != 5 || !boolean || float != 1.5 || string(binary) != "bytes" {
			t.Errorf("%s: got %q %q %v %q %d %d %t %g %q", id, text, named, pointed, raw, integer, small, boolean, float, binary)
		}
	}
	mustUpdate(t, db, insert, "nulls", (*status)(nil), (*int)(nil), (*bool)(nil), nil, json.RawMessage(nil))
	row := thing{Text: pointer("x"), Bytes: []byte("x")}
	read(t, db, "SELECT a_text, an_integer, a_boolean, a_float, some_bytes FROM thing WHERE id = 'nulls'", nil,
		&row.Text, &row.Integer, &row.Boolean, &row.Float, &row.Bytes)
	if !reflect.DeepEqual(row, thing{}) {
		t.Errorf("nulls: got %+v", row)
	}
}

func textBytes(t *testing.T, db database.DB) {
	mustUpdate(t, db, createValues)
	text := "{ \"b\" : 1.0,\n\t\"a\":[1e2, \"\\u0041<&>\u2028\"],  \"a\":12345678901234567890 }  "
	mustUpdate(t, db, "INSERT INTO thing (id, a_text) VALUES ('json', $1)", text)
	var out string
	var raw json.RawMessage
	read(t, db, "SELECT a_text, a_text FROM thing", nil, &out, &raw)
	if out != text || string(raw) != text {
		t.Errorf("got %q and %q, want %q", out, raw, text)
	}
	// Text that looks like a number stays text.
	mustUpdate(t, db, "UPDATE thing SET a_text = $1", "007")
	read(t, db, "SELECT a_text FROM thing", nil, &out)
	if out != "007" {
		t.Errorf("got %q, want 007", out)
	}
}

func typeMismatch(t *testing.T, db database.DB) {
	mustUpdate(t, db, createValues)
	mustUpdate(t, db, "INSERT INTO thing (id, a_text, an_integer, some_bytes) VALUES ('a', 'text', 5, NULL)")
	tests := []struct {
		name, column string
		target       any
	}{
		{"text into an integer", "a_text", new(int64)},
		{"text into a float", "a_text", new(float64)},
		{"NULL into a string", "a_float", new(string)},
		{"NULL into an integer", "a_float", new(int64)},
		{"NULL into a named string", "a_float", new(status)},
	}
	for _, test := range tests {
		err := db.View(t.Context(), func(c database.Conn) error {
			_, err := database.First(c, "SELECT "+test.column+" FROM thing", nil, test.target)
			return err
		})
		if err == nil {
			t.Errorf("%s: it was read", test.name)
		}
	}
	err := db.Update(t.Context(), func(c database.Conn) error {
		_, err := c.Exec("UPDATE thing SET a_text = $1", struct{ X int }{1})
		return err
	})
	if err == nil {
		t.Error("a struct was stored")
	}
}
