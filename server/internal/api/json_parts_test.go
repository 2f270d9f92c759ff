package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// The parts of JSON are those that encoding/json finds.
func FuzzPartsOfJSON(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[1, "a,]\"" ,{"a":[1,2]},[[]],null , -1.5e3]`, `{}`, ` { "a" : 1 , "b":{"c":"}"}, "a":[true] } `, `{"\u0061":"\\"}`, `"x"`, `7`, ` [ 1 ] `, `[[1],[2]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		compact := func(raw []byte) string {
			var buffer bytes.Buffer
			if err := json.Compact(&buffer, raw); err != nil {
				t.Fatalf("%q is a part of %q: %v", raw, text, err)
			}
			return buffer.String()
		}
		var list []json.RawMessage
		_ = json.Unmarshal(text, &list)
		var found []string
		for element := range elements(text) {
			found = append(found, compact(element))
		}
		if len(found) != len(list) {
			t.Fatalf("%q has %d elements, not %q", text, len(list), found)
		}
		for i := range list {
			if found[i] != compact(list[i]) {
				t.Errorf("element %d of %q is %s", i, text, found[i])
			}
		}
		var object, members map[string]json.RawMessage
		_ = json.Unmarshal(text, &object)
		members = map[string]json.RawMessage{}
		for name, value := range membersOf(text) {
			members[name] = value
		}
		if len(members) != len(object) {
			t.Fatalf("%q has %d members, not %q", text, len(object), members)
		}
		for name, value := range object {
			if compact(members[name]) != compact(value) {
				t.Errorf("member %q of %q is %s", name, text, members[name])
			}
		}
	})
}

func TestWhatIsWrittenPieceByPieceIsWhatWouldBeEncoded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a", "\"\\\n\u2028<&>\x00", strings.Repeat("é\"𝄞", 20_000), "\xff\xfe" + strings.Repeat("\x80", 40_000)} {
		var written bytes.Buffer
		j := &jsonWriter{to: &written, shown: func(text []byte) []byte { return text }}
		j.open()
		j.member("text", longText(text))
		j.end()
		want, err := encodeAnswer(map[string]string{"text": text})
		if err != nil || j.err != nil || written.String() != string(want) {
			t.Errorf("%d bytes are written as %.100q, want %.100q: %v, %v", len(text), written.String(), want, err, j.err)
		}
	}
	for _, raw := range []string{`{ "a" : [ 1 , "b c\\\" d" ] }`, "[\n1\t]", `"a"`, `null`, strings.Repeat("[", 9000) + strings.Repeat("]", 9000), `not JSON`} {
		var written bytes.Buffer
		j := &jsonWriter{to: &written, shown: func(text []byte) []byte { return text }}
		j.open()
		j.member("raw", json.RawMessage(raw))
		j.end()
		value := struct {
			Raw json.RawMessage `json:"raw"`
		}{json.RawMessage(raw)}
		want, err := encodeReadable(&value)
		if err != nil || j.err != nil || written.String() != string(want) {
			t.Errorf("%.50s is written as %.200s, want %.200s: %v, %v", raw, written.String(), want, err, j.err)
		}
	}
}
