package simulation

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// names gives requests names that are the same in each replay. Ids are not, so a
// run is named after the number of its order. It may be used concurrently.
type names struct {
	mu   sync.Mutex
	runs map[string]string // by id
}

func newNames() *names { return &names{runs: map[string]string{}} }

var (
	orderPattern = regexp.MustCompile(`"number":(\d+)`)
	runPattern   = regexp.MustCompile(`run_[0-9a-z]{26}`)
	idPattern    = regexp.MustCompile(`([a-z]+_)?[0-9a-hjkmnp-tv-z]{26}`)
	keyPattern   = regexp.MustCompile(`"displayKey":"([^"]*)"`)
	hashPattern  = regexp.MustCompile(`[0-9a-f]{20,}`)
)

// request names a request.
func (n *names) request(r *http.Request, body []byte) string {
	order := orderPattern.FindSubmatch(body)
	run := runPattern.FindString(r.URL.Path)
	if run == "" {
		run = string(runPattern.Find(body))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	name := n.runs[run]
	if order != nil {
		name = string(order[1])
		if run != "" && n.runs[run] == "" {
			n.runs[run] = name
		}
	}
	path := hashPattern.ReplaceAllString(idPattern.ReplaceAllString(r.URL.Path, "*"), "*")
	host, _, _ := strings.Cut(r.URL.Host, ".")
	if key := keyPattern.FindSubmatch(body); key != nil {
		name += " " + string(key[1])
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(r.URL.Path))
	_, _ = sum.Write(body)
	_, _ = sum.Write([]byte(nameOf(r.Context()))) // others may ask for the same
	return fmt.Sprintf("%s %s%s of %s (%08x)", r.Method, host, path, name, sum.Sum32())
}

type nameKey struct{}

// named returns a context in which the request with the name is handled, or in which
// someone makes requests under the name.
func named(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, nameKey{}, name)
}

// nameOf returns the name of the request that is handled, or of who makes one.
func nameOf(ctx context.Context) string {
	name, _ := ctx.Value(nameKey{}).(string)
	return name
}
