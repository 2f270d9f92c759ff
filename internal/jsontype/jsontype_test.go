package jsontype_test

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/runhook/runhook/internal/jsontype"
)

type base struct {
	ID     string `json:"id"`
	hidden int
}

type shadowed struct{ Name int }

type tree struct {
	Value    int              `json:"value"`
	Children []*tree          `json:"children"`
	ByName   map[string]*tree `json:"byName,omitempty"`
}

type everything struct {
	base
	*shadowed
	Name     string
	Flag     bool            `json:"flag"`
	Count    uint8           `json:"count,omitempty"`
	Ratio    float64         `json:"ratio"`
	At       time.Time       `json:"at,omitzero"`
	Data     []byte          `json:"data"`
	Raw      json.RawMessage `json:"raw"`
	Any      any             `json:"any"`
	Next     *base           `json:"next"`
	Pair     [2]int          `json:"pair,omitempty"`
	Labels   map[string]int  `json:"labels"`
	Quoted   int             `json:"quoted,string"`
	Ignored  int             `json:"-"`
	Big      big.Int         `json:"big"`
	Digits   json.Number     `json:"digits,omitempty"`
	Duration time.Duration   `json:"duration,omitempty"`
}

func TestSchemasFollowTheGoType(t *testing.T) {
	_ = base{hidden: 1}
	cases := map[string]struct {
		got  *jsontype.Type
		want string
	}{
		"a string":           {jsontype.Of[string](), `{"type":"string"}`},
		"a pointer":          {jsontype.Of[*int](), `{"anyOf":[{"type":"integer"},{"type":"null"}]}`},
		"a list":             {jsontype.Of[[]bool](), `{"items":{"type":"boolean"},"type":["array","null"]}`},
		"anything":           {jsontype.Of[any](), `{}`},
		"an instant":         {jsontype.Of[time.Time](), `{"format":"date-time","type":"string"}`},
		"nothing":            {jsontype.Of[struct{}](), `{"properties":{},"type":"object"}`},
		"what holds itself":  {jsontype.Of[tree](), `{"$defs":{"tree":` + treeSchema + `},"$ref":"#/$defs/tree"}`},
		"a list of the like": {jsontype.Of[[]tree](), `{"$defs":{"tree":` + treeSchema + `},"items":{"$ref":"#/$defs/tree"},"type":["array","null"]}`},
		"all kinds of fields": {jsontype.Of[everything](), `{"properties":{` +
			`"Name":{"type":"string"},"any":{},"at":{"format":"date-time","type":"string"},"big":{},` +
			`"count":{"minimum":0,"type":"integer"},"data":{"contentEncoding":"base64","type":["string","null"]},"digits":{"type":"number"},` +
			`"duration":{"type":"integer"},"flag":{"type":"boolean"},"id":{"type":"string"},` +
			`"labels":{"additionalProperties":{"type":"integer"},"type":["object","null"]},` +
			`"next":{"anyOf":[{"properties":{"id":{"type":"string"}},"required":["id"],"type":"object"},{"type":"null"}]},` +
			`"pair":{"items":{"type":"integer"},"type":"array"},"quoted":{"type":"string"},"ratio":{"type":"number"},"raw":{}},` +
			`"required":["id","Name","flag","ratio","quoted"],"type":"object"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := string(c.got.Schema(false)); got != c.want {
				t.Errorf("schema\n%s, want\n%s", got, c.want)
			}
		})
	}
	if got, want := string(jsontype.Of[base]().Schema(true)), `{"additionalProperties":false,"properties":{"id":{"type":"string"}},"required":["id"],"type":"object"}`; got != want {
		t.Errorf("strict schema %s, want %s", got, want)
	}
}

const treeSchema = `{"properties":{` +
	`"byName":{"additionalProperties":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]},"type":["object","null"]},` +
	`"children":{"items":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]},"type":["array","null"]},` +
	`"value":{"type":"integer"}},"required":["value"],"type":"object"}`

func TestChecksFindAllThatIsWrong(t *testing.T) {
	cases := map[string]struct {
		of         *jsontype.Type
		text, want string
	}{
		"nothing wrong": {jsontype.Of[base](), `{"id":"x","more":1}`, `null`},
		"missing":       {jsontype.Of[base](), `{}`, `[{"path":["id"],"message":"Required"}]`},
		"deep inside":   {jsontype.Of[tree](), `{"value":1,"children":[{"value":"x"},null,{}]}`, `[{"path":["children","0","value"],"message":"Expected integer, received string"},{"path":["children","2","value"],"message":"Required"}]`},
		"in a map":      {jsontype.Of[map[string]int](), `{"b":true,"a":"x"}`, `[{"path":["a"],"message":"Expected integer, received string"},{"path":["b"],"message":"Expected integer, received boolean"}]`},
		"null":          {jsontype.Of[map[string]string](), `{"a":null}`, `[{"path":["a"],"message":"Expected string, received null"}]`},
		"null that may": {jsontype.Of[*base](), `null`, `null`},
		"optional null": {jsontype.Of[struct {
			A string `json:"a,omitempty"`
		}](), `{"a":null}`, `null`},
		"a bad date": {jsontype.Of[time.Time](), `"yesterday"`, `[{"path":[],"message":"parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\""}]`},
		"bad base64": {jsontype.Of[[]byte](), `"%"`, `[{"path":[],"message":"not base64: illegal base64 data at input byte 0"}]`},
		"not quoted": {jsontype.Of[struct {
			A int `json:",string"`
		}](), `{"A":1}`, `[{"path":["A"],"message":"Expected string, received number"}]`},
		"a fraction":   {jsontype.Of[[]int](), `[1,1e3]`, `[{"path":["1"],"message":"Expected integer, received number 1e3"}]`},
		"what is any":  {jsontype.Of[any](), `[{"a":[]}]`, `null`},
		"a wrong kind": {jsontype.Of[base](), `[]`, `[{"path":[],"message":"Expected object, received array"}]`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, _ := json.Marshal(c.of.Check([]byte(c.text), false)); string(got) != c.want {
				t.Errorf("found %s, want %s", got, c.want)
			}
		})
	}
}

func TestOnlySoMuchIsReported(t *testing.T) {
	text, _ := json.Marshal(make([]*int, 1000))
	if issues := jsontype.Of[[]int]().Check(text, false); len(issues) != 100 {
		t.Errorf("found %d", len(issues))
	}
}

func TestTypesWithoutRequiredMembersNeedNoCheck(t *testing.T) {
	if jsontype.Of[map[string][]any]().Demanding() || !jsontype.Of[[]map[string]*tree]().Demanding() || !jsontype.Of[tree]().Demanding() {
		t.Error("wrong about what is demanding")
	}
}

func TestWhatDecodesIsNotWrong(t *testing.T) {
	for name, c := range map[string]struct {
		of   *jsontype.Type
		into any
		text string
	}{
		"bytes as numbers":             {jsontype.Of[struct{ Data []byte }](), &struct{ Data []byte }{}, `{"dAtA":[0,255]}`},
		"bytes of a type of their own": {jsontype.Of[[]octet](), &[]octet{}, `[1,2]`},
		"a number as text":             {jsontype.Of[json.Number](), new(json.Number), `"5"`},
		"a quoted pointer": {jsontype.Of[struct {
			A *int `json:",string"`
		}](), &struct {
			A *int `json:",string"`
		}{}, `{"A":"5"}`},
		"names that differ by case": {jsontype.Of[twins](), &twins{}, `{"A":"x"}`},
		"a name in several cases":   {jsontype.Of[base](), &base{}, `{"iD":"x","ID":"y"}`},
		"a letter beyond ASCII":     {jsontype.Of[struct{ Kind string }](), &struct{ Kind string }{}, `{"\u212aind":"x"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := json.Unmarshal([]byte(c.text), c.into); err != nil {
				t.Fatal(err)
			}
			if issues := c.of.Check([]byte(c.text), true); len(issues) > 0 {
				t.Errorf("found %v", issues)
			}
		})
	}
}

type octet uint8

type twins struct {
	Number int    `json:"a,omitempty"`
	Text   string `json:"A"`
}

// What decodes and is complete must pass, whatever it is.
func FuzzCheckAgreesWithDecoding(f *testing.F) {
	f.Add([]byte(`{"id":"x","Name":"n","flag":true,"ratio":1,"quoted":"5","data":"AA==","pair":[1]}`))
	f.Add([]byte(`{"dAtA":[0]}`))
	f.Add([]byte(`{"digits":"5","at":"2026-01-31T12:00:00Z","next":{"ID":"x"},"duration":5,"big":5,"any":[{}],"raw":{"a":[1e400]},"labels":{"a":1,"b":null}}`))
	f.Add([]byte(`{"quotedPointer":"5","twins":{"A":"x","a":1},"octets":[1],"byNumber":{"1":"a"},"text":"10.0.0.1","hash":[1,2,3,4]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		var decoded fuzzed
		issues := jsontype.Of[fuzzed]().Check(text, false)
		if err := json.Unmarshal(text, &decoded); err == nil {
			for _, issue := range issues {
				if issue.Message != "Required" && !nullIssue(issue.Message) {
					t.Errorf("%s decodes, but %s", text, issue.Message)
				}
			}
		}
	})
}

type fuzzed struct {
	everything
	QuotedPointer *int           `json:"quotedPointer,string"`
	Twins         twins          `json:"twins"`
	Octets        []octet        `json:"octets"`
	ByNumber      map[int]string `json:"byNumber"`
	Text          netip.Addr     `json:"text"`
	Hash          [4]byte        `json:"hash"`
}

func nullIssue(message string) bool { return len(message) > 4 && message[len(message)-4:] == "null" }
