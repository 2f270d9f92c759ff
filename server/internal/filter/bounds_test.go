package filter_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/filter"
)

func TestHostileFiltersAndValuesAreDoneWithQuickly(t *testing.T) {
	t.Parallel()
	conditions := func(one string, count int) string {
		return `{"a":[` + strings.Repeat(one+",", count-1) + one + `]}`
	}
	list := `{"a":[` + strings.Repeat("1,", 100_000) + `1]}`
	text := `{"a":"` + strings.Repeat("\u200b", 50_000) + `"}`
	tests := []struct{ name, filter, value string }{
		{"many conditions on a long list", conditions(`{"$not":2}`, filter.MaxRules-1), list},
		{"many conditions on a long text", conditions(`{"$ignoreCaseEquals":""}`, filter.MaxRules-1), text},
		{"many keys asked of many elements",
			`{"a":{"b":{},"c":{},"d":[{"$exists":true}]}}`,
			`{"a":[` + strings.Repeat(`{},`, 100_000) + `{}]}`},
		{"lists in lists", `{"a":{"a":{"a":{"a":[1]}}}}`, strings.Repeat(`{"a":[`, 4000) + strings.Repeat(`]}`, 4000)},
		{"a value that is nested too deeply to decode", `{"a":{"a":[1]}}`, strings.Repeat(`{"a":[`, 100_000) + strings.Repeat(`]}`, 100_000)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := filter.Parse(raw(test.filter))
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Match(raw(test.value)) {
				t.Error("it matches")
			}
		})
	}
}

func TestAFilterWithinItsLimitsMatchesALargeValue(t *testing.T) {
	t.Parallel()
	parsed, err := filter.Parse(raw(`{"rows":{"id":[{"$gt":1},{"$anythingBut":7}],"name":[{"$ignoreCaseEquals":"LAST"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	value := `{"rows":[` + strings.Repeat(`{"id":2,"name":"first"},`, 50_000) + `{"id":3,"name":"last"}]}`
	if !parsed.Match(raw(value)) {
		t.Error("it does not match")
	}
}

func TestAFilterMayBeUsedByManyAtOnce(t *testing.T) {
	t.Parallel()
	parsed, err := filter.Parse(raw(`{"a":{"b":[{"$ignoreCaseEquals":"É"},{"$not":1}],"c":["x","y"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	value, err := filter.Decode(raw(`{"a":[{},{"b":"é","c":"y"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				if !parsed.MatchDecoded(value) {
					t.Error("it does not match")
				}
			}
		})
	}
	group.Wait()
}

func FuzzFilters(f *testing.F) {
	for _, vector := range filterVectors {
		f.Add([]byte(vector.filter), []byte(vector.value))
	}
	for _, vector := range requestVectors {
		f.Add([]byte(vector.filter), []byte(vector.body))
	}
	for _, vector := range ruleVectors {
		f.Add([]byte(vector.filter), []byte(vector.payload))
	}
	f.Fuzz(func(t *testing.T, filterText, value []byte) {
		parsed, err := filter.Parse(filterText)
		if (parsed == nil) == (err == nil) {
			t.Fatalf("filter %v and error %v", parsed, err)
		}
		if err == nil {
			matched := parsed.Match(value)
			var decoded any
			if json.Unmarshal(value, &decoded) == nil && parsed.MatchDecoded(decoded) != matched {
				t.Errorf("decoding %s changes what %s says of it", value, filterText)
			}
			if parsed.Empty() && !matched {
				t.Error("an empty filter does not match")
			}
		} else if _, ok := err.(*filter.Error); !ok || err.Error() == "" {
			t.Errorf("error %T: %v", err, err)
		}
		header := http.Header{"X-A": {string(value)}}
		if request, err := filter.ParseRequest(filterText); err == nil {
			request.Match(filter.IncomingRequest{Method: "POST", Header: header, RawQuery: string(value), Body: value})
		}
		if response, err := filter.ParseResponse(filterText); err == nil {
			response.Match(filter.ReceivedResponse{Status: 200, Header: header, Body: value})
		}
		if rule, err := filter.ParseRule(filterText, nil); err == nil {
			rule.Match(filter.DecodeEvent(value, value))
			rule.Match(filter.DecodeRequestEvent(value, nil))
		}
	})
}
