package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/runhook/runhook/protocol"
)

const (
	clients = 4
	// outstanding is how many runs of a client have not ended at most.
	outstanding = 12
	// rest is the pause of a client between two runs.
	rest = 100 * time.Millisecond
	// again is the pause before a request is repeated, requestTimeout what makes
	// a hang an error.
	again          = 50 * time.Millisecond
	requestTimeout = time.Minute
)

// load is what the clients were answered.
type load struct {
	*world
	client *http.Client

	mu sync.Mutex
	// accepted holds the runs by their idempotency keys, and events the ids of the
	// events that were.
	accepted map[string]string
	events   []string
	// away counts the answers that the database cannot be reached.
	away int
}

func newLoad(w *world) *load {
	return &load{world: w, client: &http.Client{Timeout: requestTimeout}, accepted: map[string]string{}}
}

// run has the clients invoke jobs, and send events, until ctx ends.
func (l *load) run(ctx context.Context) {
	var working sync.WaitGroup
	for number := range clients {
		working.Go(func() {
			var open []string
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Sprintf("key-%d-%d", number, i)
				l.invoke(key)
				open = append(open, key)
				if i%eventEvery == 0 {
					event := fmt.Sprintf("event-%d-%d", number, i)
					l.send(event)
					open = append(open, heardKeys(event)...)
				}
				pause(ctx, rest)
				for len(open) >= outstanding && ctx.Err() == nil {
					if l.inbox.has(open[0]) {
						open = open[1:]
						continue
					}
					pause(ctx, again)
				}
			}
		})
	}
	working.Wait()
}

// invoke asks for the run of a key until it is accepted: a client that got no
// answer does not know whether it was.
func (l *load) invoke(key string) {
	for {
		id, ok := l.attempt(key)
		if !ok {
			pause(context.Background(), again)
			continue
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if before := l.accepted[key]; before != "" && before != id {
			l.t.Errorf("%s was accepted as run %s, and then as %s", key, before, id)
		}
		l.accepted[key] = id
		return
	}
}

// jobOf returns the job of a key's run. Node takes more time for one than the test
// has on a small machine, so that most are the Go app's.
func jobOf(key string) string {
	if key[len(key)-1]%5 == 0 {
		return nodeApp.job
	}
	return goApp.job
}

// attempt asks once for a run.
func (l *load) attempt(key string) (id string, ok bool) {
	var run protocol.InvokedRun
	ok = l.ask("/api/v1/jobs/"+jobOf(key)+"/invoke", key, protocol.InvokeJob{
		Payload: json.RawMessage(`"` + key + `"`),
		Options: &protocol.InvokeOptions{CallbackURL: l.inbox.URL + "?key=" + key},
	}, &run)
	return run.ID, ok && run.ID != ""
}

// ask makes a request once, and reports whether it was accepted. No answer, or that
// the database cannot be reached, is all that may come instead.
func (l *load) ask(path, key string, body, into any) (ok bool) {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // texts always encode
	}
	request, err := http.NewRequest(http.MethodPost, l.balancer.URL+path, bytes.NewReader(encoded))
	if err != nil {
		panic(err) // the URL is a server's
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Idempotency-Key", key)
	response, err := l.client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return false
	}
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, into); err != nil {
			l.t.Errorf("a request to %s was answered %s: %v", path, text, err)
		}
		return err == nil
	}
	if !saysAway(response) {
		l.t.Errorf("a request to %s was answered %d, Retry-After %q: %s", path, response.StatusCode, response.Header.Get("Retry-After"), text)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away++
	return false
}

// saysAway reports whether an answer is that the database cannot be reached now.
func saysAway(response *http.Response) bool {
	return response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") != ""
}

// pause waits. The pauses of this package are the load and the faults themselves;
// nothing is expected of what happens within them.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
