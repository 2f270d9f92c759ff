package redact

import (
	"fmt"
	"strings"
	"testing"
)

// Hostile values and paths, made so that a redaction which looks at anything twice
// for each level, member or path takes more than a few steps for each byte.
func TestRedactionTakesStepsInProportionToItsInput(t *testing.T) {
	t.Parallel()
	const secret = `{"__redactedString":true,"strings":["x"],"interpolations":["y"]}`
	for name, make := range map[string]func(size int) (value, paths string){
		"deep lists": func(n int) (string, string) {
			return strings.Repeat("[", n) + secret + strings.Repeat("]", n), `{"paths":["` + strings.Repeat("0.", n) + `0"]}`
		},
		"deep objects": func(n int) (string, string) {
			return strings.Repeat(`{"a":`, n) + secret + strings.Repeat("}", n), `{"paths":["` + strings.Repeat("a.", n) + `a"]}`
		},
		"marked texts in marked texts": func(n int) (string, string) {
			return strings.Repeat(`{"__redactedString":true,"strings":[`, n) + `"x"` + strings.Repeat(`]}`, n), ``
		},
		"many paths": func(n int) (string, string) {
			var paths strings.Builder
			for i := range n {
				fmt.Fprintf(&paths, `,"a.%d"`, i)
			}
			return `{"a":[` + strings.Repeat("1,", n) + `1]}`, `{"paths":["b"` + paths.String() + `]}`
		},
		"many members": func(n int) (string, string) {
			return `{` + strings.Repeat(`"\u0061":`+secret+`,`, n) + `"a":1}`, `{"paths":["a.b","a.c"]}`
		},
		"white space": func(n int) (string, string) { return strings.Repeat(" ", n) + secret + strings.Repeat("\n", n), `` },
		"cut off":     func(n int) (string, string) { return strings.Repeat(`{"__redactedString":[`, n), `{"paths":["a"]}` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 100, 10_000} {
				value, paths := make(size)
				m := masker{scanner: scanner{text: []byte(value)}}
				m.run(readPaths([]byte(paths)))
				if most := 4 * len(value); m.steps > most {
					t.Errorf("%d bytes took %d steps, more than %d", len(value), m.steps, most)
				}
			}
		})
	}
}
