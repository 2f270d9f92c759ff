package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// site is what the jobs fetch from in the background.
type site struct {
	url string
	// release lets requests to /silent end.
	release chan struct{}

	mu    sync.Mutex
	calls map[string]int
}

func newSite(t *testing.T) *site {
	t.Helper()
	w := &site{calls: map[string]int{}, release: make(chan struct{})}
	listening := httptest.NewServer(w)
	t.Cleanup(func() {
		close(w.release)
		listening.CloseClientConnections()
		listening.Close()
	})
	w.url = listening.URL
	return w
}

// called counts a call of a path.
func (w *site) called(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[path]++
	return w.calls[path]
}

func (w *site) callsOf(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[path]
}

// ServeHTTP implements http.Handler.
func (w *site) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	times := w.called(request.URL.Path)
	response.Header().Set("X-Kind", "probe")
	switch request.URL.Path {
	case "/echo":
		body, _ := io.ReadAll(request.Body)
		encoder := json.NewEncoder(response)
		_ = encoder.Encode(map[string]string{
			"method": request.Method, "query": request.URL.RawQuery, "authorization": request.Header.Get("Authorization"),
			"type": request.Header.Get("Content-Type"), "body": string(body),
		})
	case "/text":
		fmt.Fprint(response, "not JSON")
	case "/teapot-says-fine":
		response.WriteHeader(http.StatusAccepted)
		fmt.Fprint(response, `{"fine": true}`)
	case "/number/1", "/number/2", "/number/3":
		fmt.Fprint(response, request.URL.Path[len("/number/"):])
	case "/busy":
		if times < 3 {
			response.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintf(response, `{"times": %d}`, times)
	case "/limited":
		if times < 2 {
			response.Header().Set("X-Reset", fmt.Sprint(time.Now().Add(300*time.Millisecond).UnixMilli()))
			response.WriteHeader(http.StatusTooManyRequests)
		}
		fmt.Fprintf(response, `{"times": %d}`, times)
	case "/broken":
		response.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(response, `{"message": "out of paper"}`)
	case "/silent":
		select {
		case <-w.release:
		case <-request.Context().Done():
		}
	case "/progress":
		status := "pending"
		if times > 1 {
			status = "done"
		}
		fmt.Fprintf(response, `{"status": %q, "times": %d, "askedBy": %q}`, status, times, request.Header.Get("X-Asked-By"))
	default:
		http.NotFound(response, request)
	}
}

var backgroundScenarios = []scenario{
	{"the server fetches for a run", func(t *testing.T, s *stack) {
		n := s.run(t, "fetches-in-the-background", map[string]string{"url": newSite(t).url})
		wantOutput(t, n, `{
			"json": {"method": "POST", "query": "a=b", "authorization": "Bearer secret!", "type": "application/json", "body": "{\"sent\":true}"},
			"text": null,
			"response": {"data": {"fine": true}, "status": 202, "header": "probe"},
			"after": "after"
		}`)
		s.wantCalled(t, n.ID, 1, "after")
	}},
	{"the server fetches several things side by side", func(t *testing.T, s *stack) {
		site := newSite(t)
		n := s.run(t, "fetches-side-by-side", map[string]string{"url": site.url})
		wantOutput(t, n, `[1, 2, 3]`)
		for i := 1; i <= 3; i++ {
			if calls := site.callsOf(fmt.Sprint("/number/", i)); calls != 1 {
				t.Errorf("number %d was fetched %d times", i, calls)
			}
		}
	}},
	{"the server fetches again as the run says", func(t *testing.T, s *stack) {
		n := s.run(t, "fetches-again", map[string]string{"url": newSite(t).url})
		wantOutput(t, n, `{"busy": {"times": 3}, "limited": {"times": 2}}`)
	}},
	{"a run whose fetch fails ends as a failure", func(t *testing.T, s *stack) {
		site := newSite(t)
		wantFailure(t, s.run(t, "fetches-and-fails", map[string]any{"url": site.url + "/broken"}), "out of paper", "fetch")
		if calls := site.callsOf("/broken"); calls != 4 {
			t.Errorf("the broken page was fetched %d times, want 4", calls)
		}
		for what, url := range map[string]string{
			"a page that does not exist": site.url + "/no-such-page",
			"a page that stays silent":   site.url + "/silent",
			"a server that is not there": "http://" + unusedAddress(t) + "/",
		} {
			n := s.run(t, "fetches-and-fails", map[string]any{"url": url, "timeout": map[string]int{"durationInMs": 1000}})
			wantStatus(t, n, "FAILURE")
			if failure := n.RunError(); failure == nil || failure.Message == "" || n.Task == nil || *n.Task.CacheKey != "fetch" {
				t.Errorf("%s: the error is %s and the task %+v", what, n.Error, n.Task)
			}
		}
	}},
	{"a run may catch the failure of a fetch", func(t *testing.T, s *stack) {
		n := s.run(t, "fetches-and-fails", map[string]any{"url": newSite(t).url + "/broken", "catches": true})
		wantOutput(t, n, `"caught"`)
		s.wantCalled(t, n.ID, 1, "after")
	}},
	{"a run is canceled while the server fetches for it", func(t *testing.T, s *stack) {
		site := newSite(t)
		// Longer than any wait of the tests takes, on whatever machine.
		run := s.invoke(t, "fetches-and-fails", invocation{payload: map[string]any{
			"url": site.url + "/silent", "timeout": map[string]int{"durationInMs": 300_000},
		}})
		s.until(t, "the page is asked for", func() bool { return site.callsOf("/silent") > 0 })
		s.app.mustClient(t, nil, "cancelRun", run)
		wantStatus(t, s.webhooks.await(t, run), "CANCELED")
	}},
	{"the server polls for a run", func(t *testing.T, s *stack) {
		n := s.run(t, "polls-in-the-background", map[string]string{"url": newSite(t).url})
		wantOutput(t, n, `{"status": "done", "times": 2, "askedBy": "poll"}`)
	}},
}

// unusedAddress returns an address that nothing listens at while the test runs:
// a connection holds it.
func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection.LocalAddr().String()
}
