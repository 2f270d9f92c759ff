package model_test

import (
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/model"
)

func TestAnOutputIsShownWithoutWhatItsTaskRedacts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ output, redact, want string }{
		"a member is masked": {`{"a": 1,"card":{"number":"4111","name":"<A>"}}`, `{"paths":["card.number"]}`, `{"a":1,"card":{"number":"[REDACTED]","name":"<A>"}}`},
		"several are":        {`{"a":1,"b":2,"c":3}`, `{"paths":["a","c"]}`, `{"a":"[REDACTED]","b":2,"c":"[REDACTED]"}`},
		"a path that leads nowhere masks nothing": {`{"a":{"b":1}}`, `{"paths":["a.c","x.y"]}`, `{"a":{"b":1}}`},
		"lists have no members":                   {`{"a":[{"b":1}]}`, `{"paths":["a.b","a.0"]}`, `{"a":[{"b":1}]}`},
		"other values keep their bytes":           {`{"n":12345678901234567890,"f":1.50,"secret":{"x":1}}`, `{"paths":["secret"]}`, `{"n":12345678901234567890,"f":1.50,"secret":"[REDACTED]"}`},
		"no object is shown as it is":             {`"text"`, `{"paths":["a"]}`, `"text"`},
		"nothing redacted is shown as it is":      {`{ "a" : 1 }`, ``, `{ "a" : 1 }`},
		"names keep their meaning":                {`{"a\"b":{"é":1}}`, `{"paths":["a\"b.é"]}`, `{"a\"b":{"é":"[REDACTED]"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := model.Task{Output: []byte(c.output)}
			if c.redact != "" {
				task.Redact = []byte(c.redact)
			}
			if got := string(task.ShownOutput()); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParamsAreShownWithoutTheSecretsInTheirTexts(t *testing.T) {
	t.Parallel()
	const secret = `{"__redactedString":true,"strings":["Bearer ","!"],"interpolations":["s3cret"]}`
	for name, c := range map[string]struct{ params, want string }{
		"a text":                {secret, `"Bearer ********!"`},
		"deep inside":           {`{"url":"u","requestInit":{"headers":{"Authorization":` + secret + `,"n":1}},"list":[1, ` + secret + `]}`, `{"url":"u","requestInit":{"headers":{"Authorization":"Bearer ********!","n":1}},"list":[1,"Bearer ********!"]}`},
		"params without":        {`{ "a" : [ 1 ] }`, `{ "a" : [ 1 ] }`},
		"one that is not meant": {`{"__redactedString":false,"strings":["a"]}`, `{"__redactedString":false,"strings":["a"]}`},
		"none":                  {``, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := model.Task{Params: []byte(c.params)}
			if got := string(task.ShownParams()); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAFirstIDSortsBetweenItsTimeAndWhatWasBefore(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	before, first, after := model.NewID(model.PrefixRun, at.Add(-1e6)), model.FirstID(model.PrefixRun, at), model.NewID(model.PrefixRun, at)
	if !(before < first && first < after) {
		t.Errorf("%s, %s and %s are not in order", before, first, after)
	}
}
