package outbox_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

const (
	// randomRuns is how many runs are ended, randomWorkers how many at a time.
	randomRuns    = 400
	randomWorkers = 24
	// randomSeed makes the runs the same each time.
	randomSeed = 20260301
)

// TestEveryNotificationFitsItsSchema ends thousands of runs in random ways
// through the engine, and validates each body that arrives.
func TestEveryNotificationFitsItsSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("../../../docs/run-notification.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	arrived := newArrivals(t)
	var workers sync.WaitGroup
	for w := range randomWorkers {
		workers.Go(func() {
			for i := w; i < randomRuns; i += randomWorkers {
				r := &randomRun{rand.New(rand.NewPCG(randomSeed, uint64(i)))}
				payload := r.value(3)
				app.Run(fmt.Sprintf(`{"payload":%s,"context":%s,"options":{"callbackUrl":"%s/%d"%s}}`, payload, r.value(2), arrived.url, i, r.account()), r.steps(s)...)
			}
		})
	}
	workers.Wait()
	s.Wait("every run to be notified of", func() bool { return arrived.count() == randomRuns })
	endings := map[protocol.RunStatus]int{}
	for i, body := range arrived.all() {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatalf("run %d of seed %d: %v: %s", i, randomSeed, err, body)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("run %d of seed %d: %v\n%s", i, randomSeed, err, body)
		}
		endings[checkBody(t, i, body)]++
	}
	for _, status := range []protocol.RunStatus{protocol.RunSuccess, protocol.RunFailure, protocol.RunTimedOut, protocol.RunCanceled, protocol.RunUnresolvedAuth, protocol.RunInvalidPayload} {
		if endings[status] < randomRuns/50 {
			t.Errorf("only %d runs ended in %s", endings[status], status)
		}
	}
}

// checkBody checks what the schema cannot say, and returns how the run ended.
func checkBody(t *testing.T, i int, body []byte) protocol.RunStatus {
	t.Helper()
	var n protocol.RawRunNotification
	if err := n.UnmarshalJSON(body); err != nil {
		t.Fatalf("run %d: %v", i, err)
	}
	payload := (&randomRun{rand.New(rand.NewPCG(randomSeed, uint64(i)))}).value(3)
	if !bytes.Contains(body, []byte(`"payload":`+payload+`,`)) {
		t.Errorf("run %d: the payload is not byte for byte %s: %s", i, payload, body)
	}
	switch {
	case n.OK != (n.Status == protocol.RunSuccess), n.OK && (n.Error != nil || n.Task != nil), !n.OK && (n.Output != nil || n.Error == nil),
		n.ID != n.Invocation.ID, n.CompletedAt.Before(n.StartedAt.Time), n.Task != nil && n.Task.Status != protocol.TaskErrored:
		t.Errorf("run %d contradicts itself: %s", i, body)
	}
	return n.Status
}

// arrivals keeps the bodies that are posted to /0, /1, /2 and so on.
type arrivals struct {
	url    string
	mu     sync.Mutex
	bodies map[string][]byte
}

func newArrivals(t *testing.T) *arrivals {
	a := &arrivals{bodies: map[string][]byte{}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a notification: %v", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.bodies[r.URL.Path] = body
	}))
	t.Cleanup(web.Close)
	a.url = web.URL
	return a
}

func (a *arrivals) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.bodies)
}

func (a *arrivals) all() [][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	bodies := make([][]byte, randomRuns)
	for i := range bodies {
		bodies[i] = a.bodies[fmt.Sprintf("/%d", i)]
	}
	return bodies
}

// randomRun draws how a run goes.
type randomRun struct{ *rand.Rand }

func (r *randomRun) text() string {
	return []string{"", "a", "käse", `\"quoted\"`, `\u0000`, "<a href='x'>&", `\ud83d\ude00`, "a b\\n", "😀\u2028"}[r.IntN(9)]
}

// value returns JSON, at most so many levels deep.
func (r *randomRun) value(depth int) string {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch r.IntN(kinds) {
	case 0:
		return "null"
	case 1:
		return []string{"true", "false"}[r.IntN(2)]
	case 2:
		return []string{"0", "-0", "1.50", "1e5", "12345678901234567890", "-7", "3.0000000000000000001"}[r.IntN(7)]
	case 3, 4, 5:
		return `"` + r.text() + `"`
	case 6:
		list := "["
		for i := range r.IntN(4) {
			if i > 0 {
				list += ", "
			}
			list += r.value(depth - 1)
		}
		return list + "]"
	}
	object := "{ "
	for i := range r.IntN(4) {
		if i > 0 {
			object += ","
		}
		object += fmt.Sprintf(`"%s%d": %s`, r.text(), i, r.value(depth-1))
	}
	return object + "}"
}

func (r *randomRun) account() string {
	if r.IntN(3) > 0 {
		return ""
	}
	return `,"accountId":"account ` + fmt.Sprint(r.IntN(5)) + `"`
}

// steps returns some executions that leave the run open, and one that ends it.
func (r *randomRun) steps(s *harness.Server) []harness.Step {
	var steps []harness.Step
	for i := range r.IntN(2) {
		steps = append(steps, r.step(s, i, harness.Yield(fmt.Sprint("yield ", i))))
	}
	switch r.IntN(8) {
	case 0:
		return append(steps, r.step(s, 9, harness.Success("")))
	case 1, 2:
		return append(steps, r.step(s, 9, harness.Success(r.value(3))))
	case 3:
		return append(steps, r.step(s, 9, harness.JSON(`{"status":"ERROR","error":{"message":"`+r.text()+`","name":"`+r.text()+`"}}`)))
	case 4:
		return append(steps, r.step(s, 9, harness.JSON(`{"status":"INVALID_PAYLOAD","errors":[{"path":["`+r.text()+`"],"message":"`+r.text()+`"}]}`)))
	case 5:
		return append(steps, r.step(s, 9, harness.JSON(`{"status":"UNRESOLVED_AUTH_ERROR","issues":{"a`+r.text()+`":{"id":"x","error":"`+r.text()+`"}}}`)))
	case 6:
		// Without a task that was begun, as the clock stands still for long.
		return []harness.Step{harness.Always(harness.HTTP(504, ""))}
	}
	return append(steps, func(x *harness.Execution) harness.Reply {
		x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/cancel", nil, nil)
		return harness.Success("1")
	})
}

// step returns an execution that does something before it answers.
func (r *randomRun) step(s *harness.Server, number int, reply harness.Reply) harness.Step {
	took := time.Duration(r.IntN(3)) * time.Millisecond
	tasks, failing, status := r.IntN(3), r.IntN(4), r.IntN(3)
	message, params, data := r.text(), r.value(2), r.value(1)
	return func(x *harness.Execution) harness.Reply {
		s.Clock.Advance(took)
		for i := range tasks {
			task := x.Task(fmt.Sprint(number, i), func(c *protocol.CreateTask) {
				c.Params = []byte(params)
				if i == 1 {
					c.DisplayKey, c.Icon = "", "icon"
				}
			})
			if failing == i {
				x.API.OK("POST", "/api/v1/runs/"+x.Body.Run.ID+"/tasks/"+task.ID+"/fail", `{"error":{"message":"`+message+`"}}`, nil)
				if strings.HasPrefix(reply.Body, `{"status":"ERROR"`) {
					return harness.JSON(`{"status":"ERROR","task":{"id":"` + task.ID + `"},"error":{"message":"` + message + `"}}`)
				}
				continue
			}
			x.Complete(task, params)
		}
		if status > 0 {
			x.API.OK("PUT", "/api/v1/runs/"+x.Body.Run.ID+"/statuses/key", `{"state":"loading","data":{"d":`+data+`}}`, nil)
		}
		return reply
	}
}
