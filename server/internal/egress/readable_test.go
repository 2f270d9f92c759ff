package egress_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/egress"
)

// speaking returns the URL of a server that answers each request with these bytes
// and closes the connection.
func speaking(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
				_, _ = io.WriteString(connection, answer)
			}
			connection.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestWhatAnAnswerSaysBesideItsBodyIsText(t *testing.T) {
	guard := egress.New(egress.Config{})
	defer guard.Close()
	url := speaking(t, "HTTP/1.1 503 Nicht verf\xfcgbar\r\nLocation: /gr\xfcn\r\nX-Two: \xff\r\nX-Two: gr\xc3\xbcn\r\nContent-Length: 1\r\n\r\n\xfc")
	response, err := guard.Client(protocol.Development).Get(url)
	if got := body(t, response, err); got != "\xfc" {
		t.Errorf("the body is %q, want its bytes", got)
	}
	if response.Status != "503 Nicht verf\uFFFDgbar" {
		t.Errorf("the status is %q", response.Status)
	}
	if got := response.Header.Get("Location"); got != "/gr\uFFFDn" {
		t.Errorf("Location is %q", got)
	}
	if got := response.Header["X-Two"]; got[0] != "\uFFFD" || got[1] != "grün" {
		t.Errorf("X-Two is %q", got)
	}
}

func TestWhatIsWrongWithAnAnswerIsText(t *testing.T) {
	guard := egress.New(egress.Config{})
	defer guard.Close()
	for name, answer := range map[string]string{
		"a header without a colon": "HTTP/1.1 200 OK\r\nverf\xfcgbar\r\n\r\n",
		"no status":                "HTTP/1.1 verf\xfcgbar\r\n\r\n",
		"a trailer without a colon": "HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"1\r\na\r\n0\r\nverf\xfcgbar\r\n\r\n",
		"a chunk without a length": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\xfc\r\n",
	} {
		response, err := guard.Client(protocol.Development).Get(speaking(t, answer))
		if err == nil {
			_, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if err == nil || !utf8.ValidString(err.Error()) {
			t.Errorf("%s: got error %q, want one in UTF-8", name, err)
		}
	}
}
