package server_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// dial returns a connection to the server and a reader of its answers.
func dial(t *testing.T, s *harness.Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection, bufio.NewReader(connection)
}

// ask writes requests as they are and returns the last of the answers.
func ask(t *testing.T, s *harness.Server, text string, answers int) (response *http.Response, body string) {
	t.Helper()
	connection, reader := dial(t, s)
	go io.WriteString(connection, text) // the server may answer before it has read it all
	for range answers {
		var err error
		if response, err = http.ReadResponse(reader, nil); err != nil {
			t.Fatalf("%.100q: %v", text, err)
		}
		read, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatalf("%.100q: %v", text, err)
		}
		body = string(read)
	}
	return response, body
}

func TestWhatIsRefusedBeforeItIsRoutedIsRefusedInJSON(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	const host = " HTTP/1.1\r\nHost: h\r\n"
	for name, c := range map[string]struct {
		request string
		status  int
		says    string
	}{
		"a percent sign alone":         {"PUT /api/v1/runs/run_1/statuses/50%" + host + "Content-Length: 0\r\n\r\n", 400, "write % as %25"},
		"an escape that is none":       {"GET /%zz" + host + "\r\n", 400, "write % as %25"},
		"an escape that is cut":        {"GET /api/v1/store/a%2" + host + "\r\n", 400, "write % as %25"},
		"a blank in a path":            {"GET /a b" + host + "\r\n", 400, ""},
		"a path that is none":          {"GET a" + host + "\r\n", 400, ""},
		"no request line":              {"garbage\r\n\r\n", 400, "malformed"},
		"a method that is none":        {"GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
		"a method that nobody knows":   {"BREW /api/v1/whoami" + host + "\r\n", 405, "Method Not Allowed"},
		"no host":                      {"GET / HTTP/1.1\r\n\r\n", 400, "missing required Host header"},
		"a bad host":                   {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "malformed Host header"},
		"two hosts":                    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, ""},
		"a header without a name":      {"GET /" + host + ": x\r\n\r\n", 400, ""},
		"a header with a control code": {"GET /" + host + "A: \x01\r\n\r\n", 400, "a header is malformed"},
		"too many headers":             {"GET /" + host + "A: " + strings.Repeat("a", 300<<10) + "\r\n\r\n", 431, "bytes"},
		"a version to come":            {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505, "unsupported protocol version"},
		"a version that is none":       {"GET / HTTP/x\r\nHost: h\r\n\r\n", 400, ""},
		"an unknown transfer encoding": {"POST /" + host + "Transfer-Encoding: gzip\r\n\r\n", 501, "chunked"},
		"two transfer encodings":       {"POST /" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501, ""},
		"two lengths":                  {"POST /" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, ""},
		"a length that is none":        {"POST /" + host + "Content-Length: +1\r\n\r\n", 400, ""},
		"options of nothing":           {"OPTIONS *" + host + "\r\n", 404, "Not found"},
		"a tunnel":                     {"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", 405, "Method Not Allowed"},
		"a body that is cut":           {"POST /api/v1/events" + host + "Authorization: Bearer " + s.Key(protocol.Development).Secret + "\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for before, answers := range map[string]int{"": 1, "GET /healthz" + host + "\r\n": 2} {
				response, body := ask(t, s, before+c.request, answers)
				var said struct{ Error, Message string }
				if err := json.Unmarshal([]byte(body), &said); err != nil || said.Error == "" || said.Error != said.Message {
					t.Errorf("the body is %q", body)
				}
				if response.StatusCode != c.status || !strings.Contains(said.Error, c.says) || response.Header.Get("Content-Type") != "application/json; charset=utf-8" {
					t.Errorf("answered %d %q as %s; want %d with %q", response.StatusCode, said.Error, response.Header.Get("Content-Type"), c.status, c.says)
				}
			}
		})
	}
}

func TestAConnectionOnWhichTheEndOfARequestIsInDisputeIsClosed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	const smuggled = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
	for name, c := range map[string]struct {
		request string
		closed  bool
	}{
		"a length and a transfer encoding": {"POST /api/v1/whoami HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
		"the other way around":             {"POST /api/v1/whoami HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", true},
		"a transfer encoding in HTTP/1.0":  {"POST /api/v1/whoami HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n", true},
		"a length alone":                   {"POST /api/v1/whoami HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, reader := dial(t, s)
			if _, err := io.WriteString(connection, c.request+smuggled); err != nil {
				t.Fatal(err)
			}
			first, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, first.Body); err != nil || first.Close != c.closed {
				t.Errorf("closed is %v, want %v (%v)", first.Close, c.closed, err)
			}
			if second, err := http.ReadResponse(reader, nil); (err == nil) == c.closed {
				t.Errorf("what follows was answered with %v, %v", second, err)
			}
		})
	}
}

func TestDoubledSlashesInPathsChangeNothing(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	dev := s.Development()
	for _, path := range []string{"//api/v1/whoami", "/api//v1///whoami", "/api/v1/whoami/", "///api/v1/whoami//"} {
		if answer := dev.Do("GET", path, nil); answer.Status != 200 {
			t.Errorf("%s answered %d", path, answer.Status)
		}
	}
	// An escaped slash is no slash of the path.
	dev.OK("PUT", "//api/v1/store/a%2F%2Fb", `"1"`, nil)
	if answer := dev.Do("GET", "/api/v1/store/a%2F%2Fb", nil); !strings.Contains(string(answer.Body), `"key":"a//b"`) {
		t.Errorf("the value is %s", answer.Body)
	}
	if answer := dev.Do("GET", "//nothing//here", nil); !strings.HasSuffix(answer.Error(), "GET /nothing/here") {
		t.Errorf("what is not there is said to be %q", answer.Error())
	}
}

func TestTheSchemeOfAKeyIsReadInAnyCase(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	secret, public := s.Key("DEVELOPMENT").Secret, s.Key("DEVELOPMENT").Public
	for _, header := range []string{"bearer " + secret, "BEARER " + secret, "bEaReR   " + secret} {
		if answer := s.As("").Do("GET", "/api/v1/whoami", nil, "Authorization", header); answer.Status != 200 {
			t.Errorf("%q answered %d", header, answer.Status)
		}
	}
	app := harness.NewApp(t, s)
	id := app.End(nil, func(x *harness.Execution) harness.Reply {
		x.Task("task", func(task *protocol.CreateTask) { task.Params = json.RawMessage(`"canary"`) })
		return harness.Success("")
	}).ID
	for _, scheme := range []string{"Bearer ", "bearer "} {
		answer := s.As("").Do("GET", "/api/v2/runs/"+id+"?taskdetails=true", nil, "Authorization", scheme+public)
		if answer.Status != 200 || strings.Contains(string(answer.Body), "canary") {
			t.Errorf("a public key sees %d %s", answer.Status, answer.Body)
		}
	}
}
