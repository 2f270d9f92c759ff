package filter_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/filter"
)

func raw(text string) json.RawMessage { return json.RawMessage(text) }

// judged says in the words of the vectors what came of parsing and matching.
func judged(err error, match func() bool) string {
	switch {
	case err != nil:
		return invalid
	case match():
		return matches
	}
	return differs
}

func TestTheVectorsOfEventFilters(t *testing.T) {
	t.Parallel()
	for _, vector := range filterVectors {
		t.Run(fmt.Sprint(vector.number), func(t *testing.T) {
			t.Parallel()
			parsed, err := filter.Parse(raw(vector.filter))
			got := judged(err, func() bool { return parsed.Match(raw(vector.value)) })
			if got != vector.want {
				t.Errorf("%s with %s: %s, want %s (%v)", vector.value, vector.filter, got, vector.want, err)
			}
			var value any
			if err := json.Unmarshal(raw(vector.value), &value); err != nil {
				t.Fatal(err)
			}
			if got := judged(err, func() bool { return parsed.MatchDecoded(value) }); got != vector.want {
				t.Errorf("decoded %s with %s: %s, want %s", vector.value, vector.filter, got, vector.want)
			}
		})
	}
}

func TestTheVectorsOfRequestFilters(t *testing.T) {
	t.Parallel()
	for _, vector := range requestVectors {
		t.Run(fmt.Sprint(vector.number), func(t *testing.T) {
			t.Parallel()
			request := filter.IncomingRequest{Method: vector.method, RawQuery: vector.query, Header: http.Header{}, Body: []byte(vector.body)}
			for i := 0; i < len(vector.headers); i += 2 {
				request.Header.Add(vector.headers[i], vector.headers[i+1])
			}
			parsed, err := filter.ParseRequest(raw(vector.filter))
			got := judged(err, func() bool { return parsed.Match(request) })
			if got != vector.want {
				t.Errorf("%+v with %s: %s, want %s (%v)", request, vector.filter, got, vector.want, err)
			}
		})
	}
}

func TestTheVectorsOfRules(t *testing.T) {
	t.Parallel()
	for _, vector := range ruleVectors {
		t.Run(fmt.Sprint(vector.number), func(t *testing.T) {
			t.Parallel()
			decode := filter.DecodeEvent
			if vector.request {
				decode = filter.DecodeRequestEvent
			}
			event := decode(raw(vector.payload), raw(vector.sent))
			rule, err := filter.ParseRule(raw(vector.filter), raw(vector.context))
			got := judged(err, func() bool { return rule.Match(event) })
			if got != vector.want {
				t.Errorf("%s with %s and %s: %s, want %s (%v)", vector.payload, vector.filter, vector.context, got, vector.want, err)
			}
		})
	}
}

func TestMatchBeyondTheVectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value, filter string
		want                bool
	}{
		{"no filter matches no value", ``, ``, true},
		{"null as a filter matches everything", `{"a":1}`, `null`, true},
		{"an empty filter matches what is not JSON", `{`, `{}`, true},
		{"no value is matched by no other filter", ``, `{"a":[]}`, false},
		{"what is not JSON is not matched", `{"a":`, `{"a":[]}`, false},
		{"two values are not JSON", `{"a":1} {"a":1}`, `{"a":[1]}`, false},
		{"a list as a whole is not searched", `[{"a":1}]`, `{"a":[1]}`, false},
		{"an empty list of values asks for an object", `null`, `{"a":[]}`, false},
		{"a number is equal however it is written", `{"a":10e-1}`, `{"a":[1.0]}`, true},
		{"minus zero is zero", `{"a":-0}`, `{"a":[0]}`, true},
		{"a number beyond all bounds is greater than any", `{"a":1e999}`, `{"a":[{"$gt":1e308}]}`, true},
		{"a negative number beyond all bounds is less", `{"a":-1e999}`, `{"a":[{"$lt":-1e308}]}`, true},
		{"numbers beyond all bounds are equal", `{"a":1e999}`, `{"a":[2e999]}`, true},
		{"neighbours that JavaScript can distinguish differ", `{"a":9007199254740991}`, `{"a":[9007199254740990]}`, false},
		{"the last of two equal keys counts", `{"a":1,"a":2}`, `{"a":[2]}`, true},
		{"nested lists are not flattened", `{"a":[[{"b":1}]]}`, `{"a":{"b":[1]}}`, false},
		{"an object is no text", `{"a":{}}`, `{"a":[{"$startsWith":""}]}`, false},
		{"a list exists", `{"a":[]}`, `{"a":[{"$exists":true}]}`, true},
		{"an object is not null", `{"a":{}}`, `{"a":[{"$isNull":false}]}`, true},
		{"anything but nothing is anything", `{"a":1}`, `{"a":[{"$anythingBut":[]}]}`, true},
		{"not compares lists by element and kind", `{"a":[1,"2"]}`, `{"a":[{"$not":2}]}`, true},
		{"a list of one of many elements", `{"a":[null,{},[],true]}`, `{"a":[{"$includes":true}]}`, true},
		{"case is ignored beyond ASCII", `{"a":"ÄÖΣ"}`, `{"a":[{"$ignoreCaseEquals":"äöς"}]}`, true},
		{"a capital sharp s is a sharp s", `{"a":"ẞ"}`, `{"a":[{"$ignoreCaseEquals":"ß"}]}`, true},
		{"selectors of emoji style are overlooked", `{"a":"❤️"}`, `{"a":[{"$ignoreCaseEquals":"❤"}]}`, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := filter.Parse(raw(test.filter))
			if err != nil {
				t.Fatal(err)
			}
			if got := parsed.Match(raw(test.value)); got != test.want {
				t.Errorf("%s with %s: %t", test.value, test.filter, got)
			}
		})
	}
}

func TestNoFilterMatchesEverything(t *testing.T) {
	t.Parallel()
	var none *filter.Filter
	if !none.Match(raw(`{"a":1}`)) || !none.MatchDecoded(nil) || !none.Empty() || !new(filter.Filter).Match(nil) {
		t.Error("no filter does not match everything")
	}
	var request *filter.Request
	var response *filter.Response
	var rule *filter.Rule
	if !request.Match(filter.IncomingRequest{}) || !response.Match(filter.ReceivedResponse{}) || !rule.Match(filter.DecodeEvent(nil, nil)) {
		t.Error("no request, response or rule filter does not match everything")
	}
}

func TestParseNamesThePlaceAndTheProblem(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, filter.MaxDepth+1) + `{}` + strings.Repeat(`}`, filter.MaxDepth+1)
	wide := `{"a":[` + strings.Repeat(`{"$gt":1},`, filter.MaxRules) + `{"$gt":1}]}`
	tests := []struct {
		name, filter, path, problem string
	}{
		{"text instead of a list", `{"a":{"b":"x"}}`, "a.b", "is text: want a list of texts, numbers, booleans or conditions, or an object"},
		{"a list instead of a filter", `["a"]`, "", "is a list: want an object"},
		{"text and a number", `{"a":["x",1]}`, "a.1", "is a number in a list that starts with text: all elements must be of one kind"},
		{"text and a condition", `{"a":["x",{"$gt":1}]}`, "a.1", "is an object: want text, a number, a boolean or a condition"},
		{"a condition and text", `{"a":[{"$gt":1},"x"]}`, "a.1", "is text in a list of conditions: all elements must be of one kind"},
		{"null in a list", `{"a":[null]}`, "a.0", "is null: want text, a number, a boolean or a condition"},
		{"an operand of the wrong kind", `{"a":[{"$gt":"4"}]}`, "a.0.$gt", "is text: want a number"},
		{"an operator that there is not", `{"a":[{"$or":[]}]}`, "a.0", "is not a condition: want an object with one of $endsWith, $startsWith, $ignoreCaseEquals, $exists, $isNull, $anythingBut, $gt, $lt, $gte, $lte, $between, $includes, $not"},
		{"the first of several problems by name", `{"b":1,"a":2}`, "a", "is a number: want a list of texts, numbers, booleans or conditions, or an object"},
		{"too deep", deep, strings.Repeat("a.", filter.MaxDepth-1) + "a", "is nested too deeply: at most 64 levels are accepted"},
		{"too many conditions", wide, "a.999", "is one too many: a filter has at most 1000 keys and conditions"},
		{"too long", `{"a":["` + strings.Repeat("x", filter.MaxBytes) + `"]}`, "", "has 262154 bytes: at most 262144 are accepted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := filter.Parse(raw(test.filter))
			problem, ok := errors.AsType[*filter.Error](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if problem.Path != test.path || problem.Problem != test.problem {
				t.Errorf("at %q: %s", problem.Path, problem.Problem)
			}
		})
	}
}

func TestAnErrorReadsAsASentence(t *testing.T) {
	t.Parallel()
	_, err := filter.Parse(raw(`{"a":1}`))
	if want := `the filter at "a" is a number: want a list of texts, numbers, booleans or conditions, or an object`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = filter.Parse(raw(`7`))
	if want := "the filter is a number: want an object"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	_, err = filter.ParseRule(raw(`{}`), raw(`[]`))
	if want := `the filter at "context" is a list: want an object`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
