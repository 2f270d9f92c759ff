package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// withhold says how long a body is, and sends nothing of it; it returns what is
// answered without it.
func withhold(t *testing.T, s *harness.Server, method, path string, headers ...string) (status int) {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	// Who waits for 100-continue is asked for a body by reading it alone.
	fmt.Fprintf(connection, "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n%s\r\n", method, path, strings.Join(headers, ""))
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestWhatARequestIsForIsLookedUpBeforeItsBodyIsRead(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		for path, want := range map[string]int{
			"/api/v1/http-endpoints/httpendpoint_x/env/dev/x": 404,
			"/api/v1/sources/http/x":                          404,
			"/api/v1/tasks/x/callback/y":                      200, // it comes late
			"/api/v1/runs/r/tasks/x/callback/y":               200,
			"/api/v1/endpoints/x/y/index/z":                   404,
			"/api/v1/events":                                  401,
			"/api/v1/runs/r/tasks":                            401,
			"/api/v1/token":                                   501,
			"/nothing":                                        404,
		} {
			if got := withhold(t, s, "POST", path); got != want {
				t.Errorf("%s answered %d, want %d", path, got, want)
			}
		}
		if got := withhold(t, s, "POST", "/api/v1/events", "Authorization: Bearer tr_dev_wrong\r\n"); got != 401 {
			t.Errorf("a wrong key is answered %d", got)
		}
	})
}

func TestACallbackWithAWrongSecretIsRefusedBeforeItsBodyIsRead(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	var callback string
	run := app.Run(nil, func(x *harness.Execution) harness.Reply {
		task := x.Task("called", harness.Callback(600))
		callback = *task.CallbackURL
		return harness.Resume(task)
	})
	s.Development().WaitRun(run, protocol.RunWaitingToContinue)
	path := strings.TrimPrefix(callback, s.URL)
	if got := withhold(t, s, "POST", path+"x"); got != 401 {
		t.Errorf("answered %d", got)
	}
	if got := withhold(t, s, "POST", path); got != http.StatusContinue {
		t.Errorf("with the right one, answered %d", got)
	}
}

func TestBodiesBeyondTheBudgetOfAnEnvironmentAreRefusedForALittleWhile(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.Memory = 64 << 20 }})
	// The rooms are 8 MiB, of which each environment may have half, and on disk 128 MiB.
	const length = 16 << 20
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	head := fmt.Sprintf("POST /api/v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", s.Key("DEVELOPMENT").Secret, length)
	body := strings.Repeat("x", length-1)
	var mu sync.Mutex
	var refused *http.Response
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			go func() {
				response, err := http.ReadResponse(bufio.NewReader(c), nil)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && refused == nil {
					refused = response
				}
			}()
			io.WriteString(c, head+body) // what is refused is not read to the end
		})
	}
	s.Wait("one to be refused", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return refused != nil
	})
	if refused.StatusCode != 429 || refused.Header.Get("Retry-After") == "" || refused.Header.Get("X-Ratelimit-Reset") == "" {
		t.Errorf("answered %d %v", refused.StatusCode, refused.Header)
	}
	// Another environment has its own half, and executions have their own room.
	s.As(s.Key("PRODUCTION").Secret).OK("POST", "/api/v1/events", map[string]any{"event": map[string]any{"name": "n"}}, nil)
	app := harness.NewApp(t, s)
	app.End(nil, func(x *harness.Execution) harness.Reply {
		x.Complete(x.Task("large"), `"`+strings.Repeat("x", 2<<20)+`"`)
		return harness.Success(`"done"`)
	})
}
