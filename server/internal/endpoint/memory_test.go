package endpoint_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/intake"
	"github.com/runhook/runhook/server/internal/spool"
)

func TestAnAnswerWaitsUntilThereIsMemoryForIt(t *testing.T) {
	file, err := spool.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	synctest.Test(t, func(t *testing.T) {
		const size = 100 << 10
		text := `{"status":"SUCCESS","output":"` + strings.Repeat("x", size) + `"}`
		answer := func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
		}
		room := intake.NewRoom(intake.Limits{Memory: size, Disk: 1 << 20, Patience: intake.Forever}, file)
		c := endpoint.New(endpoint.Config{Outgoing: fake(answer), Answers: room})
		ask := func() endpoint.ExecuteOutcome {
			return c.Execute(t.Context(), endpoint.Target{URL: "http://app.test/"}, nil)
		}
		first := ask()
		if first.Kind != endpoint.Answered || len(first.Result.Output) != size+2 {
			t.Fatalf("%s: %v", first.Kind, first.Error)
		}
		var second endpoint.ExecuteOutcome
		go func() { second = ask() }()
		synctest.Wait()
		if second.Kind != 0 {
			t.Errorf("a second answer was loaded: %s", second.Kind)
		}
		first.Release()
		first.Release()
		synctest.Wait()
		if second.Kind != first.Kind {
			t.Errorf("once there was room, the outcome was %s", second.Kind)
		}
		second.Release()
	})
}
