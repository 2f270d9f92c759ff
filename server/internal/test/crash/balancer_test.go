package crash

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// balancer stands before the servers and the apps, as their addresses change with
// every start. What cannot reach one is cut off, as if it had reached it directly.
type balancer struct {
	URL string

	mu      sync.Mutex
	servers []*url.URL
	// apps holds the apps by the paths where they are reached.
	apps map[string]*url.URL
	turn int
}

func newBalancer(t *testing.T, servers int) *balancer {
	b := &balancer{servers: make([]*url.URL, servers), apps: map[string]*url.URL{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(b.target(r.In.URL.Path))
			r.Out.URL.Path = r.In.URL.Path
		},
		// A connection of its own for each request: one that is used again may be
		// closed by the other side at that moment, which between a server and an app
		// the server makes good by itself, but cannot with something in between.
		Transport:    &http.Transport{DisableKeepAlives: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	b.URL = serve(t, proxy)
	return b
}

// target returns where a request goes: to an app, or to the servers in turn,
// whether they live or not.
func (b *balancer) target(path string) *url.URL {
	b.mu.Lock()
	defer b.mu.Unlock()
	if app := b.apps[path]; app != nil {
		return app
	}
	b.turn++
	return b.servers[b.turn%len(b.servers)]
}

func (b *balancer) moveServer(i int, to *url.URL) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers[i] = to
}

func (b *balancer) moveApp(path string, to *url.URL) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.apps[path] = to
}
