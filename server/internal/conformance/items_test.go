package conformance

import (
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/servertest"
)

//go:embed doc.go
var doc string

// listed returns the names of all items of the lists.
func listed() map[string]bool {
	items := map[string]bool{}
	add := func(format string, last int) {
		for n := range last {
			items[fmt.Sprintf(format, n+1)] = true
		}
	}
	add("12.1 item %d", 52)
	add("22.1 item B%d", 31)
	add("8 item %d", 26)
	return items
}

var reason = regexp.MustCompile(`(?m)^//   - ([0-9.]+ item B?\d+): \S`)

func TestEveryItemHasATestOrAReason(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, cases := range all {
		for name := range cases {
			items, _, _ := strings.Cut(name, ":")
			for item := range strings.SplitSeq(items, ", ") {
				tested[item] = true
			}
		}
	}
	excused := map[string]bool{}
	for _, found := range reason.FindAllStringSubmatch(doc, -1) {
		excused[found[1]] = true
	}
	items := listed()
	for _, item := range slices.Sorted(maps.Keys(items)) {
		if tested[item] == excused[item] {
			t.Errorf("%s: has a test: %v, has a reason for having none: %v", item, tested[item], excused[item])
		}
	}
	for _, named := range []map[string]bool{tested, excused} {
		for item := range named {
			if !items[item] {
				t.Errorf("%q is no item of a list", item)
			}
		}
	}
}

// all are the tests of items. The names are items, separated by commas, and what
// is promised. The tests of one group share a server.
var all = map[string]servertest.Cases{
	"the life of runs":      life,
	"continuing and timing": again,
	"what is counted":       counting,
	"what is kept":          keeping,
	"operations":            operations,
	"isolation":             isolation,
	"answers":               answers,
	"indexing":              indexing,
	"restarts and time":     restarts,
	"events":                events,
	"waits and values":      waits,
	"filters":               filters,
	"schedules":             schedules,
	"ingress":               ingress,
	"sources":               sources,
}

func TestWhatIsNotCopied(t *testing.T) {
	t.Parallel()
	for group, cases := range all {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, servertest.Options{Adjust: everywhere})
			app := servertest.NewApp(t, s)
			for _, name := range slices.Sorted(maps.Keys(cases)) {
				t.Run(name, func(t *testing.T) {
					view := s.For(t)
					cases[name](t, view, app.For(view))
				})
			}
		})
	}
}
