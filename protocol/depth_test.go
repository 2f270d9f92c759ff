package protocol_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
)

func TestDepthIsThatOfTheDeepestValue(t *testing.T) {
	t.Parallel()
	for text, depth := range map[string]int{
		``: 0, `1`: 0, `"[[["`: 0, `[]`: 1, `{"a":[1,{}]}`: 3, `[[],[],[[]]]`: 3, `["\"[[[\\"]`: 1, `["\\",[]]`: 2, `[[[`: 3, `{"[[":"{{"}`: 1,
		strings.Repeat("[", 512) + strings.Repeat("]", 512): 512,
	} {
		if err := protocol.CheckDepth([]byte(text), depth); err != nil {
			t.Errorf("%.40s: %v", text, err)
		}
		var deep *protocol.DepthError
		if err := protocol.CheckDepth([]byte(text), depth-1); depth > 0 && !errors.As(err, &deep) {
			t.Errorf("%.40s is not found to be %d deep", text, depth)
		}
	}
}

func TestADepthErrorSaysWhere(t *testing.T) {
	t.Parallel()
	for text, path := range map[string]string{
		`[]`: "", `{"a":1,"payload":{"b":[]}}`: "payload.b", `{"5":[],"c":[[],{"d":[1,[]]}]}`: "c.1.d.1", `[[[[[[[]]]]]]]`: "0.0.0.0", `]]]}},[[[`: "0.0",
	} {
		depth := 0
		for protocol.CheckDepth([]byte(text), depth+1) != nil {
			depth++
		}
		var deep *protocol.DepthError
		if err := protocol.CheckDepth([]byte(text), depth); !errors.As(err, &deep) || deep.Path != path {
			t.Errorf("%s: %v, want the path %q", text, err, path)
		}
	}
}

func FuzzDepth(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b\"[":"]"}],"c":[[[]]]}`))
	f.Add([]byte(`["\\",[]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var value any
		if json.Unmarshal(text, &value) != nil {
			protocol.CheckDepth(text, 3) // it takes anything
			return
		}
		depth := depthOf(value)
		canonical, _ := json.Marshal(value)
		// Of members with one name only the last is in the value.
		if protocol.CheckDepth(canonical, depth) != nil {
			t.Errorf("%s is deeper than %d", canonical, depth)
		}
		if depth > 0 && protocol.CheckDepth(canonical, depth-1) == nil {
			t.Errorf("%s is less deep than %d", canonical, depth)
		}
	})
}

func depthOf(value any) (depth int) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			depth = max(depth, depthOf(element))
		}
		return depth + 1
	case map[string]any:
		for _, member := range value {
			depth = max(depth, depthOf(member))
		}
		return depth + 1
	}
	return 0
}
