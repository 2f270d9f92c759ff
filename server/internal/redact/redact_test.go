package redact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/redact"
)

func TestAnOutputIsShownWithoutWhatItsTaskRedacts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ output, redact, want string }{
		"a member is masked": {`{"a": 1,"card":{"number":"4111","name":"<A>"}}`, `{"paths":["card.number"]}`, `{"a":1,"card":{"number":"[REDACTED]","name":"<A>"}}`},
		"several are":        {`{"a":1,"b":2,"c":3}`, `{"paths":["a","c"]}`, `{"a":"[REDACTED]","b":2,"c":"[REDACTED]"}`},
		"a path that leads nowhere masks nothing": {`{"a":{"b":1}}`, `{"paths":["a.c","x.y","a.b.c"]}`, `{"a":{"b":1}}`},
		"a member in a list":                      {`{"a":[{"b":1},{"b":2}]}`, `{"paths":["a.0.b"]}`, `{"a":[{"b":"[REDACTED]"},{"b":2}]}`},
		"an element":                              {`{"a":[1,[2],{"b":3}]}`, `{"paths":["a.1","a.2"]}`, `{"a":[1,"[REDACTED]","[REDACTED]"]}`},
		"a whole list":                            {`{"a":[{"b":1},[[]]],"c":[]}`, `{"paths":["a","c"]}`, `{"a":"[REDACTED]","c":"[REDACTED]"}`},
		"a list of lists":                         {`[[1,[2,3]],4]`, `{"paths":["0.1.0","1"]}`, `[[1,["[REDACTED]",3]],"[REDACTED]"]`},
		"a name that is a number":                 {`{"0":{"10":1},"1":2}`, `{"paths":["0.10"]}`, `{"0":{"10":"[REDACTED]"},"1":2}`},
		"a name and an index alike":               {`[{"0":1},{"0":2}]`, `{"paths":["0.0","1.0"]}`, `[{"0":"[REDACTED]"},{"0":"[REDACTED]"}]`},
		"an index that is not there":              {`{"a":[1]}`, `{"paths":["a.1","a.-1","a.00","a.x"]}`, `{"a":[1]}`},
		"a path within another":                   {`{"a":{"b":1}}`, `{"paths":["a.b","a"]}`, `{"a":"[REDACTED]"}`},
		"a name that is there twice":              {`{"a":1,"a":{"b":2}}`, `{"paths":["a"]}`, `{"a":"[REDACTED]","a":"[REDACTED]"}`},
		"an empty name":                           {`{"":{"a":1}}`, `{"paths":[".a"]}`, `{"":{"a":"[REDACTED]"}}`},
		"other values keep their bytes":           {`{"n":12345678901234567890,"f":1.50e+3,"secret":{"x":1}}`, `{"paths":["secret"]}`, `{"n":12345678901234567890,"f":1.50e+3,"secret":"[REDACTED]"}`},
		"no object is shown as it is":             {`"text"`, `{"paths":["a"]}`, `"text"`},
		"nothing redacted is shown as it is":      {`{ "a" : 1 }`, ``, `{ "a" : 1 }`},
		"names keep their meaning":                {`{"a\"b":{"\u00e9":1}}`, `{"paths":["a\"b.é"]}`, `{"a\"b":{"\u00e9":"[REDACTED]"}}`},
		"paths that cannot be read":               {`{"a":1}`, `{"paths":"a"}`, `{"a":1}`},
		"an output that cannot be read":           {`{"a":1`, `{"paths":["a"]}`, `"[REDACTED]"`},
		"a marked text beside":                    {`{"a":1,"b":{"__redactedString":true,"strings":["x",""]}}`, `{"paths":["a","b.strings"]}`, `{"a":"[REDACTED]","b":"x********"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(redact.Output([]byte(c.output), []byte(c.redact))); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTextsAreShownWithoutTheSecretsInThem(t *testing.T) {
	t.Parallel()
	const secret = `{"__redactedString":true,"strings":["Bearer ","!"],"interpolations":["s3cret"]}`
	for name, c := range map[string]struct{ params, want string }{
		"a text":                 {secret, `"Bearer ********!"`},
		"in any order":           {`{"interpolations":["s3cret"],"strings":["<","\u00e9>"],"__redactedString":true}`, `"<********é>"`},
		"deep inside":            {`{"url":"u","requestInit":{"headers":{"Authorization":` + secret + `,"n":1}},"list":[1, ` + secret + `]}`, `{"url":"u","requestInit":{"headers":{"Authorization":"Bearer ********!","n":1}},"list":[1,"Bearer ********!"]}`},
		"params without":         {`{ "a" : [ 1 ] }`, `{ "a" : [ 1 ] }`},
		"one that is not meant":  {`{"__redactedString":false,"strings":["a"]}`, `{"__redactedString":false,"strings":["a"]}`},
		"one that is not marked": {`{"__redactedString":"true","strings":["a"]}`, `{"__redactedString":"true","strings":["a"]}`},
		"none":                   {``, ``},
		// What is marked is never shown, whatever else is wrong with it.
		"without parts":               {`{"__redactedString":true,"interpolations":["s3cret"]}`, `"********"`},
		"parts that are no texts":     {`{"__redactedString":true,"strings":["a",5],"interpolations":["s3cret"]}`, `"********"`},
		"parts that are another text": {`{"__redactedString":true,"strings":["a",` + secret + `],"interpolations":["s3cret"]}`, `"********"`},
		"within another's secret":     {`{"__redactedString":true,"strings":["a","b"],"interpolations":[` + secret + `]}`, `"a********b"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(redact.Texts([]byte(c.params))); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParamsAreShownAsTheyWereMaskedOrAreMaskedNow(t *testing.T) {
	t.Parallel()
	secret := []byte(`{"__redactedString":true,"strings":["a",""],"interpolations":["b"]}`)
	for want, task := range map[string]model.Task{
		`"kept"`:      {Params: secret, ShownParams: []byte(`"kept"`)},
		`"a********"`: {Params: secret}, // of a version before
		`{ }`:         {Params: []byte(`{ }`)},
		``:            {},
	} {
		if got := string(redact.Params(task)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestOnlySoManyPathsAreAccepted(t *testing.T) {
	t.Parallel()
	if err := redact.CheckPaths(make([]string, redact.MaxPaths)); err != nil {
		t.Error(err)
	}
	if redact.CheckPaths(make([]string, redact.MaxPaths+1)) == nil {
		t.Error("one more is accepted")
	}
	if err := redact.CheckPaths([]string{strings.Repeat(".", redact.MaxPathBytes)}); err != nil {
		t.Error(err)
	}
	if redact.CheckPaths([]string{strings.Repeat(".", redact.MaxPathBytes), "a"}) == nil {
		t.Error("longer paths are accepted")
	}
}

// Nothing is shown that a path names, and what is shown is JSON.
func FuzzRedaction(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":1},[2]],"0":{"1":"x"}}`), "a.0.b")
	f.Add([]byte(`{"b":{"__redactedString":true,"strings":["x",""],"interpolations":["s"]}}`), "b.strings.0")
	f.Add([]byte(`[[[{"":[]}]]]`), "0.0.0.")
	f.Add([]byte(` {"\u0061" : "\\\"", "a":1.5e-3} `), "a")
	f.Fuzz(func(t *testing.T, output []byte, path string) {
		paths, err := json.Marshal(map[string]any{"paths": []string{path, "x.y"}})
		if err != nil || !json.Valid(output) {
			redact.Output(output, paths)
			return
		}
		shown := redact.Output(output, paths)
		var value any
		if err := json.Unmarshal(shown, &value); err != nil {
			t.Fatalf("%s is shown as %s: %v", output, shown, err)
		}
		if found, ok := lookUp(value, strings.Split(path, ".")); ok && found != "[REDACTED]" {
			t.Errorf("%s is shown as %s with %v at %q", output, shown, found, path)
		}
		if strings.Contains(string(redact.Texts(output)), `"__redactedString":true`) {
			t.Errorf("%s is shown as %s", output, redact.Texts(output))
		}
	})
}

func lookUp(value any, path []string) (any, bool) {
	for _, segment := range path {
		switch container := value.(type) {
		case map[string]any:
			member, ok := container[segment]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			var index int
			if json.Unmarshal([]byte(segment), &index) != nil || index < 0 || index >= len(container) || segment != strings.TrimSpace(segment) {
				return nil, false
			}
			value = container[index]
		default:
			return nil, false
		}
	}
	return value, true
}
