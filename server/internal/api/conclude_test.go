package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/runhook/runhook/server/internal/clock"
)

// ask makes a request of a handler, over a connection of which the caller closes his
// side at once, and returns the status, 0 for no answer, and whether it was whole.
func ask(t *testing.T, h handler) (status int, whole bool) {
	t.Helper()
	a := New(Config{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), AccessLog: true})
	a.router.handle("GET", "/", a.unchecked(h))
	s := httptest.NewUnstartedServer(a)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Start()
	defer s.Close()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, false
	}
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, err == nil && json.Valid(text)
}

func TestEveryRequestIsAnsweredAndNoPartOfAnAnswerIsTakenForTheWhole(t *testing.T) {
	t.Parallel()
	begin := func(w http.ResponseWriter) {
		io.WriteString(w, `{"begun":`)
		http.NewResponseController(w).Flush()
	}
	for name, c := range map[string]struct {
		handler handler
		status  int
		whole   bool
	}{
		"an answer": {func(w http.ResponseWriter, r *request) error { return r.ok(w, 1) }, 200, true},
		"a caller who closed his side": {func(w http.ResponseWriter, r *request) error {
			<-r.Context().Done()
			return fmt.Errorf("read the database: %w", r.Context().Err())
		}, 503, true},
		"nothing":                        {func(http.ResponseWriter, *request) error { return nil }, 500, true},
		"a panic":                        {func(http.ResponseWriter, *request) error { panic("fault") }, 500, true},
		"a panic after the beginning":    {func(w http.ResponseWriter, _ *request) error { begin(w); panic("fault") }, 200, false},
		"an error after the beginning":   {func(w http.ResponseWriter, _ *request) error { begin(w); return io.EOF }, 200, false},
		"an answer that is cut off":      {func(w http.ResponseWriter, _ *request) error { begin(w); panic(http.ErrAbortHandler) }, 200, false},
		"one that is before it is begun": {func(http.ResponseWriter, *request) error { panic(http.ErrAbortHandler) }, 0, false},
	} {
		if status, whole := ask(t, c.handler); status != c.status || whole != c.whole {
			t.Errorf("%s: answered %d, whole %v; want %d, %v", name, status, whole, c.status, c.whole)
		}
	}
}
