package eventfilter

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzStepsOfMatching counts the steps of a match: no more than each key and
// condition of the filter on each part of the value, and never more than the bound.
func FuzzStepsOfMatching(f *testing.F) {
	f.Add([]byte(`{"a":{"a":{"a":[1]}}}`), []byte(strings.Repeat(`{"a":[`, 400)+strings.Repeat(`]}`, 400)))
	f.Add([]byte(`{"a":[{"$not":2},{"$not":3},{"$includes":1}]}`), []byte(`{"a":[`+strings.Repeat("1,", 1000)+`1]}`))
	f.Add([]byte(`{"a":{"b":{"c":[{"$exists":true}],"d":["x"]}}}`), []byte(`{"a":[`+strings.Repeat(`{"b":[{},{}]},`, 500)+`{}]}`))
	f.Add([]byte(`{"a":[{"$ignoreCaseEquals":"x"},{"$gt":1}]}`), []byte(`{"a":`+strings.Repeat("9", 10_000)+`}`))
	f.Add([]byte(`{"a":[{"$anythingBut":["x","y"]}]}`), []byte(`{"a":"`+strings.Repeat("x", 10_000)+`"}`))
	f.Fuzz(func(t *testing.T, filterText, text []byte) {
		parsed, err := Language{}.Parse(filterText)
		if err != nil {
			return
		}
		value, err := Decode(text)
		if err != nil {
			return
		}
		w := newWork()
		parsed.root.match(value, w)
		steps := maxWork - w.left
		if most := (rulesOf(parsed.root) + 1) * (len(text) + 1); steps > most {
			t.Errorf("%d steps, more than %d, for %s on %d bytes", steps, most, filterText, len(text))
		}
	})
}

func rulesOf(n *node) (rules int) {
	for _, r := range n.rules {
		rules += 1 + len(r.conditions)
		if r.object != nil {
			rules += 1 + rulesOf(r.object)
		}
	}
	return rules
}

func TestANumberIsParsedOnceWhateverItsLength(t *testing.T) {
	t.Parallel()
	value, err := Decode(json.RawMessage(`{"a":[1e400,` + strings.Repeat("9", 100_000) + `],"b":-1.5}`))
	if err != nil {
		t.Fatal(err)
	}
	var check func(value any)
	check = func(value any) {
		switch value := value.(type) {
		case json.Number:
			t.Errorf("%.20s is still text", value)
		case []any:
			for _, element := range value {
				check(element)
			}
		case map[string]any:
			for _, member := range value {
				check(member)
			}
		}
	}
	check(value)
}
