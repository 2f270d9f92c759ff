package crash

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/redact"
	"github.com/runhook/runhook/server/internal/test/harness"
)

var full = flag.Bool("full", false, "attack with everything that has ever harmed a server, and not with less of it")

// sizes are those of the attacks.
type sizes struct {
	// withheld is how many connections withhold the last byte of a body, and costly how
	// many send JSON that takes much memory for its size.
	withheld, costly int
	// notifications is how many large ones there are, of so many bytes, and readers how
	// many ask for pages of them at once.
	notifications, notificationBytes, readers int
	// events is how many are sent in one body.
	events int
	// redactions is how many make and look at tasks that are costly to redact, at once,
	// each with so many bytes.
	redactions, redactionBytes int
}

// attackSizes are smaller where every change waits for them.
func attackSizes() sizes {
	if *full {
		return sizes{withheld: 100, costly: 20, notifications: 24, notificationBytes: 15 << 20, readers: 24, events: 900_000, redactions: 20, redactionBytes: 12 << 20}
	}
	return sizes{withheld: 20, costly: 5, notifications: 6, notificationBytes: 8 << 20, readers: 12, events: 60_000, redactions: 2, redactionBytes: 2 << 20}
}

func TestAServerWithLittleMemoryAndFewDescriptorsSurvivesAttacks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Fatal("the peak of memory is read from /proc")
	}
	t.Parallel()
	for engine, database := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "runhook.db") },
		"PostgreSQL": func(t *testing.T) string { return harness.Postgres(t) },
	} {
		t.Run(engine, func(t *testing.T) { attack(t, database(t)).all(attackSizes()) })
	}
}

func (a *attacked) all(n sizes) {
	endpoint := a.httpEndpoint()
	a.slowCallers(n, endpoint)
	a.costlyJSON(n)
	a.redactions(n)

	a.largeNotifications(n)
	a.checkServed("runs with large payloads")
	a.inParallel(n.readers, func(int) { a.ask("GET", "/api/runhook/v1/notifications/feed?limit=50", "") })
	a.checkServed("pages of a feed with large items")

	a.bulk(n)
}

// slowCallers say a part of what they have to say.
func (a *attacked) slowCallers(n sizes, endpoint string) {
	a.inParallel(400, func(int) { a.say("GET / HTTP/1.1\r\nHost: h\r\nA", false) })
	a.checkServed("trickling headers")

	const large = 10 << 20
	body := strings.Repeat("x", large-1)
	a.inParallel(n.withheld, func(int) { a.say(post(endpoint, "", large)+body, true) })
	a.checkServed("withheld bodies at a public address")

	a.inParallel(100, func(int) { a.say(post("/api/v1/http-endpoints/unknown/env/dev/x", "", large)+body[:1<<20], true) })
	a.checkServed("withheld bodies at an unknown address")

	a.inParallel(n.withheld, func(int) { a.say(post("/api/v1/events", apiKey, large)+body, true) })
	a.checkServed("withheld bodies with a key")
}

// costlyJSON takes much memory for its size, or many steps.
func (a *attacked) costlyJSON(n sizes) {
	deep := `{"payload":` + strings.Repeat("[", 4<<20) + strings.Repeat("]", 4<<20) + "}"
	a.inParallel(n.costly, func(int) { a.ask("POST", "/api/v1/events", deep) })
	a.checkServed("deep JSON")

	wide := `{"event":{"name":"n","payload":{` + strings.Repeat(`"a":{},`, 1<<20) + `"b":1}}}`
	a.inParallel(n.costly, func(int) { a.ask("POST", "/api/v1/events", wide) })
	a.checkServed("wide JSON")
}

// redactions makes tasks that are costly to show, of a run under way: texts with
// secrets, as deep and as many as there may be and more, and paths to redact.
func (a *attacked) redactions(n sizes) {
	a.Helper()
	run := a.app.Run(nil, func(x *harness.Execution) harness.Reply { return harness.Resume(x.Task("never", harness.Callback(0))) })
	a.valid.WaitRun(run, protocol.RunWaitingToContinue)
	tasks := "/api/v1/runs/" + run + "/tasks"
	marked := func(levels int) string {
		return strings.Repeat("[", levels) + `{"__redactedString":true,"strings":["a","b"],"interpolations":["secret"]}` + strings.Repeat("]", levels)
	}
	task := func(key, members string, want int) (created protocol.Task) {
		a.Helper()
		status, answer := a.ask("POST", tasks, `{"idempotencyKey":"`+key+`","name":"n",`+members+`}`, protocol.HeaderIdempotencyKey, key)
		if status != want {
			a.Errorf("the task %s was answered %d %.300s", key, status, answer)
		} else if err := json.Unmarshal(answer, &created); err != nil {
			a.Errorf("the task %s was answered %.300s", key, answer)
		}
		return created
	}
	paths := func(many int) string {
		list := make([]string, many)
		for i := range list {
			list[i] = fmt.Sprintf(`"%d.0.0.0.0"`, i)
		}
		return `"redact":{"paths":[` + strings.Join(list, ",") + `]}`
	}
	one := marked(protocol.MaxDepth - 10)
	output := `{"output":[` + strings.Repeat("[[[[1]]]],", (3<<20)/10-1) + `1]}`
	a.inParallel(n.redactions, func(i int) {
		task(fmt.Sprint("too-deep-", i), `"params":`+marked(9000), http.StatusBadRequest)
		task(fmt.Sprint("too-many-", i), paths(20_000), http.StatusBadRequest)
		task(fmt.Sprint("deep-", i), `"params":[`+strings.Repeat(one+",", n.redactionBytes/len(one))+one+`]`, http.StatusOK)
		created := task(fmt.Sprint("paths-", i), paths(redact.MaxPaths), http.StatusOK)
		if status, answer := a.ask("POST", tasks+"/"+created.ID+"/complete", output); status != http.StatusOK {
			a.Errorf("the result of a task was answered %d %.300s", status, answer)
		}
	})
	a.checkServed("tasks that are costly to redact")
	a.inParallel(n.redactions, func(int) {
		const member = `"nextTaskCursor":"`
		for cursor, more := "", true; more; {
			status, answer := a.ask("GET", "/api/runhook/v1/runs/"+run+"?taskCursor="+cursor, "")
			if status != http.StatusOK {
				return // refused, as others look
			}
			var rest string
			_, rest, more = strings.Cut(string(answer[max(0, len(answer)-1000):]), member)
			cursor, _, _ = strings.Cut(rest, `"`)
		}
	})
	a.checkServed("looking at them")
}

// largeNotifications has runs with large payloads end, each with a notification.
func (a *attacked) largeNotifications(n sizes) {
	a.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	a.Cleanup(receiver.Close)
	body := `{"payload":"` + strings.Repeat("x", n.notificationBytes) + `","options":{"callbackUrl":"` + receiver.URL + `"}}`
	for range n.notifications {
		a.valid.WaitRun(a.valid.Invoke(harness.JobID, body), protocol.RunSuccess)
	}
}

// bulk sends many events in one body, while others are served.
func (a *attacked) bulk(n sizes) {
	a.Helper()
	events := `{"events":[` + strings.Repeat(`{"name":"n"},`, n.events-1) + `{"name":"n"}]}`
	var sending sync.WaitGroup
	done := make(chan struct{})
	sending.Go(func() {
		defer close(done)
		var sent []struct{ ID string }
		a.valid.OK("POST", "/api/v1/events/bulk", events, &sent)
		if len(sent) != n.events {
			a.Errorf("%d events were answered", len(sent))
		}
	})
	for ended := false; !ended; {
		a.serve("a bulk send of events")
		select {
		case <-done:
			ended = true
		default:
		}
	}
	sending.Wait()
	a.checkServed("a bulk send of events")
}
