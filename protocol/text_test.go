package protocol_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/runhook/runhook/protocol"
)

func TestExactTextGoesBackAsItCame(t *testing.T) {
	for _, test := range []struct{ came, text, back string }{
		{`""`, "", `""`},
		{`"plain"`, "plain", `"plain"`},
		{`"grün 漢字 😀"`, "grün 漢字 😀", `"grün 漢字 😀"`},
		{`"\ud83d\ude00"`, "😀", `"😀"`},
		{`"\uD83D\uDE00!"`, "😀!", `"😀!"`},
		{`"cut \ud83d"`, "cut \xed\xa0\xbd", `"cut \ud83d"`},
		{`"\uDE00 cut"`, "\xed\xb8\x80 cut", `"\ude00 cut"`},
		{`"\ud83d\ud83d\ude00\ude00"`, "\xed\xa0\xbd😀\xed\xb8\x80", `"\ud83d😀\ude00"`},
		{`"\ude00\ud83d"`, "\xed\xb8\x80\xed\xa0\xbd", `"\ude00\ud83d"`},
		{`"\ud83d\n\""`, "\xed\xa0\xbd\n\"", `"\ud83d\n\""`},
		{`"\\ud83d"`, `\ud83d`, `"\\ud83d"`},
		{`"\\\ud83d"`, "\\\xed\xa0\xbd", `"\\\ud83d"`},
		{`"a\u0000b"`, "a\x00b", `"a\u0000b"`},
		{`"\ufffd\ud7ff\ue000"`, "\ufffd\ud7ff\ue000", "\"\ufffd\ud7ff\ue000\""},
	} {
		var text protocol.ExactText
		if err := json.Unmarshal([]byte(test.came), &text); err != nil || string(text) != test.text {
			t.Errorf("%s was read as %q (%v), want %q", test.came, text, err, test.text)
		}
		if back, err := json.Marshal(text); err != nil || string(back) != test.back {
			t.Errorf("%s returned as %s (%v), want %s", test.came, back, err, test.back)
		}
	}
	var list []protocol.ExactText
	if err := json.Unmarshal([]byte(`["\ud83d",7]`), &list); err == nil {
		t.Errorf("a number was read as %q", list)
	}
}

func FuzzExactTextKeepsWhatItCanAndNeverBreaksJSON(f *testing.F) {
	f.Add(`"cut \ud83d"`)
	f.Add(`"\ud83d\\\ude00"`)
	f.Fuzz(func(t *testing.T, raw string) {
		var plain string
		var text protocol.ExactText
		wanted, got := json.Unmarshal([]byte(raw), &plain), json.Unmarshal([]byte(raw), &text)
		if raw != "null" && (wanted == nil) != (got == nil) {
			t.Fatalf("%q: encoding/json says %v, ExactText %v", raw, wanted, got)
		}
		back, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var again protocol.ExactText
		if err := json.Unmarshal(back, &again); err != nil || !reflect.DeepEqual(text, again) {
			t.Fatalf("%q came back as %q (%v)", text, again, err)
		}
	})
}
