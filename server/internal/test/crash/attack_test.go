package crash

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

const (
	// attackedMemory is what the server is given in the attacks, and attackedDescriptors
	// how many descriptors.
	attackedMemory      = 512 << 20
	attackedDescriptors = 256
)

// attacked is a server with little memory and few descriptors, and a valid caller.
type attacked struct {
	*testing.T
	process *harness.Process
	address string
	valid   *harness.Client
	// mu guards open, the attackers' connections.
	mu   sync.Mutex
	open []net.Conn
}

func attack(t *testing.T) *attacked {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	process := harness.StartProcess(t, nil, "sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, attackedDescriptors), path,
		"serve", "--addr", "127.0.0.1:0", "--db", "sqlite:"+filepath.Join(t.TempDir(), "runhook.db"),
		"--memory", strconv.Itoa(attackedMemory), "--log-format", "json", "--dev-api-key", apiKey)
	url := process.ServerURL()
	a := &attacked{T: t, process: process, address: strings.TrimPrefix(url, "http://"), valid: harness.Attach(t, url, apiKey).Development()}
	t.Cleanup(func() {
		for _, c := range a.open {
			c.Close()
		}
	})
	return a
}

// say connects, says something and keeps the connection; what is answered is read and
// forgotten if reads is true.
func (a *attacked) say(text string, reads bool) {
	a.Helper()
	c, err := net.Dial("tcp", a.address)
	if err != nil {
		a.Errorf("connect: %v", err)
		return
	}
	a.mu.Lock()
	a.open = append(a.open, c)
	a.mu.Unlock()
	io.WriteString(c, text) // it may be refused and closed meanwhile
	if reads {
		go io.Copy(io.Discard, c)
	}
}

// checkServed has valid callers do what they do, and asks the probes.
func (a *attacked) checkServed(during string) {
	a.Helper()
	for i := range 5 {
		a.valid.OK("PUT", fmt.Sprintf("/api/v1/store/%s-%d", during, i), `"value"`, nil)
		for _, probe := range []string{"/healthz", "/readyz"} {
			if answer := a.valid.Do("GET", probe, nil); answer.Status != 200 {
				a.Errorf("during %s, %s answered %d %s", during, probe, answer.Status, answer.Body)
			}
		}
	}
	if peak := a.peakMemory(); peak > attackedMemory {
		a.Errorf("after %s, the server has used %d MiB", during, peak>>20)
	} else {
		a.Logf("after %s, the server has used %d MiB", during, peak>>20)
	}
}

// peakMemory returns the most that the server has had in memory, in bytes.
func (a *attacked) peakMemory() int64 {
	a.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.process.ID()))
	if err != nil {
		a.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	if err != nil {
		a.Fatalf("read the peak of memory: %v in %q", err, line)
	}
	return kilobytes << 10
}

func (a *attacked) inParallel(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// httpEndpoint makes an HTTP endpoint, and returns its path.
func (a *attacked) httpEndpoint() string {
	a.Helper()
	app := harness.NewUnregisteredApp(a.T, harness.Attach(a.T, "http://"+a.address, apiKey))
	app.SetIndex(`{"jobs":[` + harness.Job(harness.JobID, harness.JobVersion) + `],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[],"httpEndpoints":[{"id":"open","version":"1","enabled":true,
		"icon":"webhook","source":"shop.example","event":{"name":"open","title":"HTTP Trigger","source":"shop.example","icon":"webhook"}}]}`)
	app.Register(a.valid, "app")
	var got struct {
		HTTPEndpoints []struct{ URL string }
	}
	a.valid.OK("GET", "/api/runhook/v1/http-endpoints", nil, &got)
	if len(got.HTTPEndpoints) != 1 {
		a.Fatal("there is no HTTP endpoint")
	}
	return strings.TrimPrefix(got.HTTPEndpoints[0].URL, "http://"+a.address)
}

func post(path, key string, length int) string {
	authorization := ""
	if key != "" {
		authorization = "Authorization: Bearer " + key + "\r\n"
	}
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n", path, authorization, length)
}

func TestAServerWithLittleMemoryAndFewDescriptorsSurvivesAttacks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Fatal("the peak of memory is read from /proc")
	}
	t.Parallel()
	a := attack(t)
	endpoint := a.httpEndpoint()

	a.inParallel(400, func(int) { a.say("GET / HTTP/1.1\r\nHost: h\r\nA", false) })
	a.checkServed("trickling headers")

	const large = 10 << 20
	body := strings.Repeat("x", large-1)
	a.inParallel(40, func(int) { a.say(post(endpoint, "", large)+body, true) })
	a.checkServed("withheld bodies at a public address")

	a.inParallel(100, func(int) { a.say(post("/api/v1/http-endpoints/unknown/env/dev/x", "", large)+body[:1<<20], true) })
	a.checkServed("withheld bodies at an unknown address")

	a.inParallel(30, func(int) { a.say(post("/api/v1/events", apiKey, large)+body, true) })
	a.checkServed("withheld bodies with a key")

	deep := `{"payload":` + strings.Repeat("[", 4<<20) + strings.Repeat("]", 4<<20) + "}"
	a.inParallel(20, func(int) { a.ask("POST", "/api/v1/events", deep) })
	a.checkServed("deep JSON")

	wide := `{"event":{"name":"n","payload":{` + strings.Repeat(`"a":{},`, 1<<20) + `"b":1}}}`
	a.inParallel(20, func(int) { a.ask("POST", "/api/v1/events", wide) })
	a.checkServed("wide JSON")

	const readers = 12
	a.largeNotifications()
	a.checkServed("runs with large payloads")
	a.inParallel(readers, func(int) { a.ask("GET", "/api/runhook/v1/notifications/feed?limit=50", "") })
	a.checkServed("pages of a feed with large items")

	events := `{"events":[` + strings.Repeat(`{"name":"n"},`, bulkEvents-1) + `{"name":"n"}]}`
	var sending sync.WaitGroup
	sending.Go(func() {
		var sent []struct{ ID string }
		a.valid.OK("POST", "/api/v1/events/bulk", events, &sent)
		if len(sent) != bulkEvents {
			a.Errorf("%d events were answered", len(sent))
		}
	})
	a.checkServed("a bulk send of events")
	sending.Wait()
	a.checkServed("its answer")
}

// bulkEvents is how many events are sent in bulk.
const bulkEvents = 60_000

// largeNotifications has runs with large payloads end, each with a notification.
func (a *attacked) largeNotifications() {
	a.Helper()
	const notifications, large = 8, 8 << 20
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	a.Cleanup(receiver.Close)
	body := `{"payload":"` + strings.Repeat("x", large) + `","options":{"callbackUrl":"` + receiver.URL + `"}}`
	for range notifications {
		a.valid.WaitRun(a.valid.Invoke(harness.JobID, body), protocol.RunSuccess)
	}
}

// ask makes a whole request with the key, whose answer may be a refusal.
func (a *attacked) ask(method, path, body string) {
	request, err := http.NewRequest(method, "http://"+a.address+path, strings.NewReader(body))
	if err != nil {
		a.Error(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return // closed in favor of others
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}
