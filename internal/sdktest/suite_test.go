package sdktest_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/internal/sdksuite"
	"github.com/runhook/runhook/internal/sdktest"
	"github.com/runhook/runhook/protocol"
)

// memory is the server in memory as the suite sees it.
type memory struct{ *sdktest.Server }

func (m memory) do(t *testing.T, method, path, key, body string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequest(method, "http://server.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+sdktest.APIKey)
	if key != "" {
		request.Header.Set(protocol.HeaderIdempotencyKey, key)
	}
	response, err := m.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func (m memory) Get(t *testing.T, path string, into any) {
	t.Helper()
	if status, answer := m.do(t, "GET", path, "", ""); status != http.StatusOK || json.Unmarshal(answer, into) != nil {
		t.Fatalf("GET %s answered %d %s", path, status, answer)
	}
}

func (m memory) Post(t *testing.T, path, key, body string) (int, []byte) {
	t.Helper()
	return m.do(t, "POST", path, key, body)
}

func (m memory) Await(t *testing.T, what string, done func() bool) {
	t.Helper()
	if m.Settle(); !done() {
		t.Fatalf("nothing more happens, and still waiting for %s", what)
	}
}

func TestTheServerInMemoryDoesWhatTheRealOneDoes(t *testing.T) {
	sdksuite.Run(t, func(t *testing.T, define func(app *runhook.App), wrap func(http.Handler) http.Handler) sdksuite.Server {
		server := sdktest.New()
		app := runhook.New(runhook.Config{
			ID: "shop", APIKey: sdktest.APIKey, APIURL: "http://server.test", HTTPClient: server.Client(),
			Logger: slog.New(slog.DiscardHandler), Now: server.Now,
		})
		define(app)
		server.Serve(wrap(app))
		return memory{server}
	})
}
