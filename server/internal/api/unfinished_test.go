package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/listener"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// takers are an URL of each kind that takes a body, with the headers that it needs.
func takers(t *testing.T, s *harness.Server) map[string]string {
	t.Helper()
	app := harness.NewUnregisteredApp(t, s)
	app.SetIndex(`{"jobs":[` + harness.Job(harness.JobID, harness.JobVersion) + `],"dynamicTriggers":[],"dynamicSchedules":[],
		"sources":[{"channel":"HTTP","key":"src","options":{"event":["e"]},"integration":{"id":"i","metadata":{"id":"i","name":"n"},"authSource":"LOCAL"},"registerSourceJob":{"id":"r","version":"1.0.0"}}],
		"httpEndpoints":[{"id":"open","version":"1","enabled":true,"icon":"webhook","source":"s","event":{"name":"open","title":"t","source":"s","icon":"webhook"}}]}`)
	api := s.Development()
	app.Register(api, "app")
	var source struct{ ID string }
	api.OK("PUT", "/api/v2/app/sources/src", `{"options":{"event":["e"]}}`, &source)
	var listed struct{ HTTPEndpoints []struct{ URL string } }
	api.OK("GET", "/api/runhook/v1/http-endpoints", nil, &listed)
	var endpoints struct{ Endpoints []struct{ IndexHook string } }
	api.OK("GET", "/api/runhook/v1/endpoints", nil, &endpoints)
	var callback string
	run := app.Run(nil, func(x *harness.Execution) harness.Reply {
		task := x.Task("called", harness.Callback(600))
		callback = *task.CallbackURL
		return harness.Resume(task)
	})
	api.WaitRun(run, protocol.RunWaitingToContinue)
	key := "Authorization: Bearer " + s.Key(protocol.Development).Secret + "\r\n"
	of := func(method, url, headers string) string {
		return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: h\r\n%s", method, strings.TrimPrefix(url, s.URL), headers)
	}
	return map[string]string{
		"an HTTP endpoint":   of("POST", listed.HTTPEndpoints[0].URL, ""),
		"a source":           of("POST", "/api/v1/sources/http/"+source.ID, ""),
		"a callback":         of("POST", callback, ""),
		"a hook to index":    of("POST", endpoints.Endpoints[0].IndexHook, ""),
		"an event":           of("POST", "/api/v1/events", key),
		"an invocation":      of("POST", "/api/v1/jobs/job/invoke", key),
		"a value":            of("PUT", "/api/v1/store/key", key),
		"a request to index": of("POST", "/api/v1/endpoints/app/index", key),
		"a task":             of("POST", "/api/v1/runs/"+run+"/tasks", key+"Idempotency-Key: k\r\n"),
	}
}

// begin says a request, and leaves its connection open.
func begin(t *testing.T, s *harness.Server, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// unfinished are requests of which a part is missing, by how they are sent.
var unfinished = map[string]string{
	"a short body":          "Content-Length: 100\r\n\r\n{",
	"a body":                "Content-Length: 10000\r\n\r\n{" + strings.Repeat(" ", 5000),
	"a long body":           "Content-Length: 10000000\r\n\r\n{" + strings.Repeat(" ", 100_000),
	"a body in chunks":      "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
	"a long body in chunks": "Transfer-Encoding: chunked\r\n\r\nfffff\r\n{" + strings.Repeat(" ", 100_000),
	"none of a body":        "Content-Length: 100\r\n\r\n",
}

// checkUnfinished has each URL that takes a body be sent a part of one.
func checkUnfinished(t *testing.T, s *harness.Server, then func(net.Conn) error, want int, message string) {
	t.Helper()
	var all sync.WaitGroup
	for taker, head := range takers(t, s) {
		for name, rest := range unfinished {
			c := begin(t, s, head+rest)
			all.Go(func() {
				if err := then(c); err != nil {
					t.Error(err)
				}
				response, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Errorf("%s that got %s did not answer: %v", taker, name, err)
					return
				}
				text, _ := io.ReadAll(response.Body)
				var said struct{ Message string }
				if json.Unmarshal(text, &said); response.StatusCode != want || said.Message != message {
					t.Errorf("%s that got %s answered %d %s", taker, name, response.StatusCode, text)
				}
			})
		}
	}
	all.Wait()
}

func TestABodyThatIsCutOffIsRefusedByEveryRoute(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	checkUnfinished(t, s, func(c net.Conn) error { return c.(*net.TCPConn).CloseWrite() }, http.StatusBadRequest, "The request body was cut off")
}

func TestABodyThatIsTooSlowIsRefusedByEveryRoute(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) {
		c.Rates = listener.DefaultRates
		c.Rates.BodyTime = time.Second
	}})
	checkUnfinished(t, s, func(net.Conn) error { return nil }, http.StatusRequestTimeout, "The request body came too slowly")
}

func TestATaskWhoseBodyWasCutOffIsNotRefusedForGood(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	end := app.End(nil, func(x *harness.Execution) harness.Reply {
		c := begin(t, s, fmt.Sprintf("POST /api/v1/runs/%s/tasks HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Length: 100\r\n\r\n{",
			x.Body.Run.ID, s.Key(protocol.Development).Secret))
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Error(err)
		}
		if response, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || response.StatusCode != http.StatusBadRequest {
			t.Errorf("answered %v: %v", response, err)
		}
		x.Task("k")
		return harness.JSON(`{"status":"AUTO_YIELD_RATE_LIMIT","reset":1}`)
	}, harness.Always(harness.Success("1")))
	if end.Status != protocol.RunSuccess {
		t.Errorf("the run ended as %s: %s", end.Status, end.Error)
	}
}

func TestATaskThatIsTooLargeIsRefusedAndItsConnectionKept(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	const size = 17 << 20
	head := fmt.Sprintf("POST /api/v1/runs/r/tasks HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k\r\nContent-Length: %d\r\n\r\n",
		s.Key(protocol.Development).Secret, size)
	c := begin(t, s, head)
	answers := bufio.NewReader(c)
	for range 3 {
		if _, err := io.WriteString(c, strings.Repeat("x", size)); err != nil {
			t.Fatalf("the connection was closed before all was sent: %v", err)
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil || response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Fatalf("answered %v: %v", response, err)
		}
		io.Copy(io.Discard, response.Body)
		if _, err := io.WriteString(c, head); err != nil {
			t.Fatal(err)
		}
	}
}
