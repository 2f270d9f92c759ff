package protocol_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

func TestIdempotencyKeysAreThoseOfTheNodeSDK(t *testing.T) {
	t.Parallel()
	object := map[string]any{"z": 1, "a": []any{2, map[string]int{"d": 1, "c": 2}}}
	for _, c := range []struct {
		name, parent string
		cacheKey     []any
		want         string
	}{
		{"a string", "", []any{"a"}, "96b41a318d8f88e146f1687e66c783f938799c3b16c2f3075da15f14c7ae2b9a"},
		{"a string inside a task", "task2", []any{"a"}, "30751dd7d219cf228b02d8523d92b68739b4e998bba0929450ef0f61ab32eb33"},
		{"values of every kind", "", []any{"b", 1, true, nil, object}, "9231923f355950479fb3b52486ec5ab4fca350405242a9f79f06563e838074d4"},
		{"a log line", "", []any{"hello", "INFO"}, "7eb27ff8e5b7d241dfde5710447ec44ec0f8e75a6e42a160217d637fb58399d1"},
		{"another string", "", []any{"w"}, "6c44f11a975b93dacb2ec02d10dd34d2d3006cb27351a6453b059e2b3430fce7"},
		{"keys that are array indexes", "", []any{map[string]int{"10": 1, "9": 2, "b": 1, "a": 2}}, "7e5dbcdb099cad383d06af9f8bf1159d8393cfd3393200b6df602d5bcd1b04fc"},
		{"numbers as JavaScript spells them", "", []any{1e21, 0.1, math.Copysign(0, -1), 1e-7}, "33f28abb1fd9e1dd2d08a8d324f09cbe797893e72263902b8ec3aa37d7fc88a9"},
		{"the same numbers as JSON text", "", []any{json.RawMessage("1e21"), json.RawMessage("0.10"), json.RawMessage("-0"), json.RawMessage(" 1E-7 ")}, "33f28abb1fd9e1dd2d08a8d324f09cbe797893e72263902b8ec3aa37d7fc88a9"},
		{"an array inside the key", "", []any{[]string{"a", "b"}, "c"}, "1ab2ab653c4e145ae4768d14dce4796e62f77e649e9c824e6964f016b84352de"},
		{"undefined", "", []any{json.RawMessage(nil), "x"}, "560ab1750f403b37ddb553b4573bd6fbdda25a647443dfcdb6f312fd3f0f242d"},
		{"a function, which is undefined", "", []any{func() {}, "x"}, "560ab1750f403b37ddb553b4573bd6fbdda25a647443dfcdb6f312fd3f0f242d"},
		{"an empty object", "", []any{struct{}{}}, "dcda4d6ac37dad07b8e8409e05edc1be9d2656807c79d571d1322a6c6b9c5f65"},
		{"characters that others escape", "", []any{map[string]string{"hé": "\u2028<&>"}}, "c6821e94ff0593727cb876155c95b69e725a04e692ddbc9b51b4dbe2ab291265"},
		{"no parts", "", nil, "11dab4f213784b4db3957cf204babbc9a45592bb180eba720d28b0945a769474"},
		{"a character outside the first plane", "", []any{"⚡"}, "9a8cffec411d5c0a9447d0abb84fe229248bc62111cd9c286bf543233879e4bf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := protocol.IdempotencyKey("run_1", c.parent, c.cacheKey...); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if err := protocol.CheckCacheKey(c.cacheKey...); err != nil {
				t.Error(err)
			}
		})
	}
}

type customerID string

type address struct {
	Zip    string `json:"zip"`
	City   string `json:"city"`
	Number *int   `json:"number,omitempty"`
}

func TestAPartOfACacheKeyContributesTheTextOfItsJSON(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		name string
		part any
		text string
	}{
		{"a struct by its JSON names, sorted", address{Zip: "1<2", City: "X"}, `{"city":"X","zip":"1<2"}`},
		{"a pointer as what it points to", &address{Zip: "1", City: "X"}, `{"city":"X","zip":"1"}`},
		{"a nil pointer as null", (*address)(nil), `null`},
		{"a named string unquoted", customerID("c1"), `c1`},
		{"a JSON string unquoted", json.RawMessage(`"c\u0031"`), `c1`},
		{"a string inside an array quoted", []string{"c\"1\n\x01"}, `["c\"1\n\u0001"]`},
		{"JSON text without its spaces", json.RawMessage(" {\"b\": [1.50, 2E3 ],\n\"a\":null} "), `{"a":null,"b":[1.5,2000]}`},
		{"a time in UTC", time.Date(2026, 1, 31, 13, 0, 0, 5000, berlin), `2026-01-31T12:00:00.000005Z`},
		{"a time of the protocol", protocol.At(time.Date(2026, 1, 31, 13, 0, 0, 0, berlin)), `2026-01-31T12:00:00.000Z`},
		{"bytes in base64", []byte("hi"), `aGk=`},
		{"an integer that JavaScript would round", int64(9007199254740993), `9007199254740993`},
		{"the same inside an object", map[string]uint64{"n": math.MaxUint64}, `{"n":18446744073709551615}`},
		{"a large float as JavaScript rounds it", float64(1 << 60), `1152921504606847000`},
		{"the same inside an array", []float64{1 << 60, 5e-324, 1e-6, 1.5e300}, `[1152921504606847000,5e-324,0.000001,1.5e+300]`},
		{"not a number as null", math.NaN(), `null`},
		{"an infinity as null", math.Inf(-1), `null`},
		{"a small infinity as null", float32(math.Inf(1)), `null`},
		{"a number too large for JavaScript as null", json.RawMessage(`[1.0e400]`), `[null]`},
		{"keys by UTF-16, indexes first", map[string]int{"\uFFFD": 1, "😀": 2, "4294967295": 3, "4294967294": 4, "01": 5, "0": 6, "7": 7}, `{"0":6,"7":7,"4294967294":4,"01":5,"4294967295":3,"😀":2,"` + "\uFFFD" + `":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sum := sha256.Sum256([]byte("r:t:" + c.text))
			if got, want := protocol.IdempotencyKey("r", "t", c.part), hex.EncodeToString(sum[:]); got != want {
				t.Errorf("the text is not %s", c.text)
			}
		})
	}
}

func TestACacheKeyThatJSONCannotExpressIsNamed(t *testing.T) {
	t.Parallel()
	loop := map[string]any{}
	loop["self"] = loop
	for name, part := range map[string]any{
		"a channel": make(chan int), "an object that holds itself": loop, "a map with odd keys": map[bool]int{true: 1},
		"text that is not JSON": json.RawMessage(`{"a":`), "two JSON values": json.RawMessage(`1 2`), "a nested infinity": []float64{math.Inf(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := protocol.CheckCacheKey("fine", part); err == nil || !strings.Contains(err.Error(), "part 2") {
				t.Errorf("got error %v, want one that names part 2", err)
			}
			if got, want := protocol.IdempotencyKey("r", "", "fine", part), protocol.IdempotencyKey("r", "", "fine", ""); got != want {
				t.Errorf("got %s, want the key with an empty part", got)
			}
		})
	}
}

func TestJobIDsBecomeSlugs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, id, want string }{
		{"a plain one stays", "send-mail_1.2~x", "send-mail_1.2~x"},
		{"letters become lower case", "SendMAIL", "sendmail"},
		{"a run of whitespace becomes one hyphen", " send \t\n mail\u00a0\ufeff", "-send-mail-"},
		{"other characters go", "séñd/mail: (now)!", "sdmail-now"},
		{"letters that become ASCII stay", "\u212Aelvin İ", "kelvin-i"},
		{"what is no space in JavaScript is removed", "a\u0085b", "ab"},
		{"hyphens stay as they are", "a - b", "a---b"},
		{"nothing may remain", "日本", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := protocol.Slugify(c.id); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzIdempotencyKey(f *testing.F) {
	f.Add("run_1", "", `{"10":1,"b":[1e400,-0,"\ud800"]}`, 0.1)
	f.Add("", "task", "\xff", math.Inf(1))
	f.Add(":", ":", `[[[`, math.NaN())
	f.Fuzz(func(t *testing.T, run, parent, text string, number float64) {
		raw := json.RawMessage(text)
		parts := []any{text, raw, number, []byte(text), map[string]any{text: raw}, []any{number, text}}
		first := protocol.IdempotencyKey(run, parent, parts...)
		if len(first) != 64 || first != protocol.IdempotencyKey(run, parent, parts...) {
			t.Errorf("unstable key %s", first)
		}
		var compact any
		if json.Unmarshal(raw, &compact) == nil && protocol.CheckCacheKey(raw) != nil {
			t.Errorf("valid JSON %q was refused", text)
		}
		slug := protocol.Slugify(text)
		if protocol.Slugify(slug) != slug {
			t.Errorf("%q is not a slug", slug)
		}
	})
}
