package crash

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/test/harness"
)

const (
	// attackedMemory is what the server is given in the attacks, and attackedDescriptors
	// how many descriptors.
	attackedMemory      = 512 << 20
	attackedDescriptors = 256
	// attackedData is what the system lets it allocate (ulimit -d). That counts the
	// memory that Go has set aside and does not use, too.
	attackedData = attackedMemory + 256<<20
)

// attacked is a server with little memory and few descriptors, and a valid caller.
type attacked struct {
	*testing.T
	process *harness.Process
	address string
	valid   *harness.Client
	app     *harness.App
	began   time.Time
	// mu guards open, the attackers' connections.
	mu   sync.Mutex
	open []net.Conn
}

// attack starts a server on a database.
func attack(t *testing.T, database string) *attacked {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	limits := fmt.Sprintf(`ulimit -n %d && ulimit -d %d && exec "$0" "$@"`, attackedDescriptors, attackedData>>10)
	process := harness.StartProcess(t, nil, "sh", "-c", limits, path,
		"serve", "--addr", "127.0.0.1:0", "--db", database, "--memory", strconv.Itoa(attackedMemory), "--log-format", "json", "--dev-api-key", apiKey)
	url := process.ServerURL()
	s := harness.Attach(t, url, apiKey)
	a := &attacked{T: t, process: process, address: strings.TrimPrefix(url, "http://"), valid: s.Development(), app: harness.NewUnregisteredApp(t, s), began: time.Now()}
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

// serve has valid callers do what they do, and asks the probes.
func (a *attacked) serve(during string) {
	a.Helper()
	for i := range 5 {
		a.valid.OK("PUT", fmt.Sprintf("/api/v1/store/%s-%d", during, i), `"value"`, nil)
		for _, probe := range []string{"/healthz", "/readyz"} {
			if answer := a.valid.Do("GET", probe, nil); answer.Status != 200 {
				a.Errorf("during %s, %s answered %d %s", during, probe, answer.Status, answer.Body)
			}
		}
	}
}

// checkServed is serve once an attack is over, and checks how much memory it took.
func (a *attacked) checkServed(during string) {
	a.Helper()
	a.serve(during)
	peak, data := a.memory("VmHWM"), a.memory("VmData")
	a.Logf("after %s (%.1f s): at the most %d MiB in memory; %d MiB allocated", during, time.Since(a.began).Seconds(), peak>>20, data>>20)
	if peak > attackedMemory {
		a.Errorf("after %s, the server has used %d MiB", during, peak>>20)
	}
	a.began = time.Now()
}

// memory returns a line of what the system says of the server's memory, in bytes.
func (a *attacked) memory(name string) int64 {
	a.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.process.ID()))
	if err != nil {
		a.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), name+":")
	line, _, _ := strings.Cut(rest, "\n")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	if err != nil {
		a.Fatalf("read the server's memory: %v in %q", err, line)
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
	a.app.SetIndex(`{"jobs":[` + harness.Job(harness.JobID, harness.JobVersion) + `],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[],"httpEndpoints":[{"id":"open","version":"1","enabled":true,
		"icon":"webhook","source":"shop.example","event":{"name":"open","title":"HTTP Trigger","source":"shop.example","icon":"webhook"}}]}`)
	a.app.Register(a.valid, "app")
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

// ask makes a whole request with the key, and returns the answer, which may be a
// refusal; the status is 0 if its connection was closed for others.
func (a *attacked) ask(method, path, body string, headers ...string) (status int, answer []byte) {
	request, err := http.NewRequest(method, "http://"+a.address+path, strings.NewReader(body))
	if err != nil {
		a.Error(err)
		return 0, nil
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}
