package filter_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/runhook/runhook/filter"
)

func TestFiltersAreWrittenInTheProtocolsLanguage(t *testing.T) {
	cases := map[string]struct {
		filter filter.Filter
		want   string
	}{
		"nothing":                  {filter.Object(nil), `{}`},
		"one of some strings":      {filter.Object{"a": filter.Is("x", "y")}, `{"a":["x","y"]}`},
		"one of some numbers":      {filter.Object{"a": filter.Is(1, 2)}, `{"a":[1,2]}`},
		"a boolean":                {filter.Object{"a": filter.Is(true)}, `{"a":[true]}`},
		"a type of one's own":      {filter.Object{"a": filter.Is(time.Second)}, `{"a":[1000000000]}`},
		"anything":                 {filter.Object{"a": filter.Is[string]()}, `{"a":[]}`},
		"an object in an object":   {filter.Object{"a": filter.Object{"b": filter.Is("x")}}, `{"a":{"b":["x"]}}`},
		"a beginning":              {filter.Object{"a": filter.StartsWith("x")}, `{"a":[{"$startsWith":"x"}]}`},
		"an end":                   {filter.Object{"a": filter.EndsWith("x")}, `{"a":[{"$endsWith":"x"}]}`},
		"any case":                 {filter.Object{"a": filter.EqualFold("x")}, `{"a":[{"$ignoreCaseEquals":"x"}]}`},
		"presence":                 {filter.Object{"a": filter.Exists()}, `{"a":[{"$exists":true}]}`},
		"absence":                  {filter.Object{"a": filter.Missing()}, `{"a":[{"$exists":false}]}`},
		"null":                     {filter.Object{"a": filter.Null()}, `{"a":[{"$isNull":true}]}`},
		"not null":                 {filter.Object{"a": filter.NotNull()}, `{"a":[{"$isNull":false}]}`},
		"none of some":             {filter.Object{"a": filter.NoneOf(1, 2)}, `{"a":[{"$anythingBut":[1,2]}]}`},
		"another":                  {filter.Object{"a": filter.Not("x")}, `{"a":[{"$not":"x"}]}`},
		"an element":               {filter.Object{"a": filter.Includes("x")}, `{"a":[{"$includes":"x"}]}`},
		"a range":                  {filter.Object{"a": filter.All(filter.Above(1), filter.AtMost(2.5))}, `{"a":[{"$gt":1},{"$lte":2.5}]}`},
		"another range":            {filter.Object{"a": filter.All(filter.AtLeast(1), filter.Below(2))}, `{"a":[{"$gte":1},{"$lt":2}]}`},
		"a range with both bounds": {filter.Object{"a": filter.Between(1, 2)}, `{"a":[{"$between":[1,2]}]}`},
		"text as it is":            {filter.Raw(`{"a":["x"]}`), `{"a":["x"]}`},
		"a part that is text":      {filter.Object{"a": filter.Raw(`["x"]`)}, `{"a":["x"]}`},
		"any request":              {filter.Request{}, `{}`},
		"a request": {filter.Request{
			Method: []string{"POST"}, Header: map[string]filter.Pattern{"X-GitHub-Event": filter.Is("push")},
			Query: map[string]filter.Pattern{"a": filter.StartsWith("1")}, Body: filter.Object{"ref": filter.Exists()},
		}, `{"method":["POST"],"headers":{"x-github-event":["push"]},"query":{"a":[{"$startsWith":"1"}]},"body":{"ref":[{"$exists":true}]}}`},
		"a request with a body in JSON": {filter.Request{Body: filter.Object{}}, `{"body":{}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := json.Marshal(c.filter); err != nil || string(got) != c.want {
				t.Errorf("wrote %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestWhatIsNoJSONCannotBeWritten(t *testing.T) {
	for name, bad := range map[string]filter.Filter{
		"not a number": filter.Object{"a": filter.Is(math.NaN())}, "broken text": filter.Raw(`{`), "no text": filter.Raw(""),
	} {
		if text, err := json.Marshal(bad); err == nil {
			t.Errorf("%s is written as %s", name, text)
		}
	}
}
