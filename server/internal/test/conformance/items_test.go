package conformance

import (
	_ "embed"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/test/harness"
)

//go:embed doc.go
var doc string

// lists are where the items are: a document and the number of a section in it.
var lists = []struct{ document, section string }{
	{"execution.md", "12.1"}, {"api.md", "22.1"}, {"triggers.md", "8"},
}

var (
	heading = regexp.MustCompile(`^#+ ([0-9.]*[0-9])\.? `)
	item    = regexp.MustCompile(`^(?:(\d+)\. |\| (B\d+) \|)`)
)

// listed returns the names of all items of the lists.
func listed(t *testing.T) map[string]bool {
	t.Helper()
	items := map[string]bool{}
	for _, list := range lists {
		text, err := os.ReadFile("../../../../docs/protocol/" + list.document)
		if err != nil {
			t.Fatal(err)
		}
		section, before := "", len(items)
		for line := range strings.Lines(string(text)) {
			if found := heading.FindStringSubmatch(line); found != nil {
				section = found[1]
			} else if found := item.FindStringSubmatch(line); found != nil && section == list.section {
				items[list.section+" item "+found[1]+found[2]] = true
			}
		}
		if len(items) == before {
			t.Errorf("%s has no items in section %s", list.document, list.section)
		}
	}
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
	items := listed(t)
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
var all = map[string]harness.Cases{
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
			s := harness.Start(t, harness.Options{Adjust: everywhere})
			app := harness.NewApp(t, s)
			for _, name := range slices.Sorted(maps.Keys(cases)) {
				t.Run(name, func(t *testing.T) {
					view := s.For(t)
					cases[name](t, view, app.For(view))
				})
			}
		})
	}
}
