package fetch_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/runhook/runhook/server/internal/fetch"
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
		text := `"` + strings.Repeat("x", size) + `"`
		answer := func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(text)), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
		}
		room := intake.NewRoom(intake.Limits{Memory: size, Disk: 1 << 20, Patience: intake.Forever}, file)
		c := fetch.New(fetch.Config{Outgoing: faked(answer), Answers: room})
		ask := func() fetch.Outcome {
			return c.Attempt(t.Context(), fetch.Task{Operation: fetch.OperationFetch, Params: []byte(`{"url":"http://others.test/"}`), Attempt: 1})
		}
		first := ask()
		if first.Kind != fetch.Finished || string(first.Output) != text {
			t.Fatalf("%s: %.100s", first.Kind, first.Output)
		}
		var second fetch.Outcome
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
