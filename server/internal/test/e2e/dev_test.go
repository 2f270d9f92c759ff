package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook"
)

// devStack is a server and an app on the Go SDK that is not registered.
type devStack struct {
	apiKey, database string
	// address is the server's, and url its base; they stay when it is killed and
	// started again.
	address, url string
	passage      *passage
	server       *process
	log          *journal
	app          *goApp
	webhooks     *webhooks
}

func newDevStack(t *testing.T) *devStack {
	t.Helper()
	s := &devStack{apiKey: "tr_dev_" + rand.Text(), log: &journal{}, database: filepath.Join(t.TempDir(), "runhook.db"), passage: newPassage(t)}
	s.address = s.passage.address()
	s.url = "http://" + s.address
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", s.log)
		}
	})
	s.webhooks = receiveWebhooks(t, s.apiKey)
	s.start(t)
	s.app = newGoApp(t, s)
	return s
}

func (s *devStack) start(t *testing.T) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "serve", "--addr=127.0.0.1:0", "--db=sqlite:"+s.database, "--public-url="+s.url,
		"--dev-api-key="+s.apiKey, "--log-format=json")
	command.Env = cleanEnvironment()
	var address string
	s.server, address = start(t, "the server", command, s.log, func(line string) (string, bool) {
		var said struct{ Msg, Address string }
		err := json.Unmarshal([]byte(line), &said)
		return said.Address, err == nil && said.Msg == "serving"
	})
	s.passage.leadTo(address)
}

// invoke invokes a job with a payload and returns the run's id.
func (s *devStack) invoke(t *testing.T, job, payload string) string {
	t.Helper()
	var run struct{ ID string }
	ask(t, "POST", s.url+"/api/v1/jobs/"+job+"/invoke", s.apiKey, map[string]any{
		"payload": json.RawMessage(payload), "options": map[string]string{"callbackUrl": s.webhooks.url},
	}, &run)
	return run.ID
}

// dev starts "runhook dev" and returns it with what it prints, once it watches.
func (s *devStack) dev(t *testing.T) (*process, *journal) {
	t.Helper()
	return s.devUntil(t, "Watching;")
}

// devUntil starts "runhook dev" and returns it with what it prints, once that is a
// line with the text.
func (s *devStack) devUntil(t *testing.T, text string) (*process, *journal) {
	t.Helper()
	log := &journal{}
	command := s.command(t, s.app.url(), "--server="+s.url, "--api-key="+s.apiKey)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("runhook dev printed:\n%s", log)
		}
	})
	p, _ := start(t, "runhook dev", command, log, func(line string) (string, bool) { return "", strings.Contains(line, text) })
	return p, log
}

func (s *devStack) command(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, path, append([]string{"dev"}, arguments...)...)
	command.Env = cleanEnvironment()
	return command
}

// await waits for a line that matches a pattern and returns it.
func (j *journal) await(t *testing.T, pattern string) (line string) {
	t.Helper()
	match := regexp.MustCompile(pattern)
	s := &stack{log: j}
	s.until(t, "a line like "+pattern+" is printed", func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		for _, line = range j.lines {
			if match.MatchString(line) {
				return true
			}
		}
		return false
	})
	return line
}

// goApp is an app on the Go SDK in this process.
type goApp struct {
	stack   *devStack
	web     *httptest.Server
	handler atomic.Pointer[runhook.App]
	away    atomic.Bool
}

func newGoApp(t *testing.T, s *devStack) *goApp {
	t.Helper()
	a := &goApp{stack: s}
	a.has("greet")
	a.web = httptest.NewServer(a)
	t.Cleanup(func() {
		a.web.CloseClientConnections()
		a.web.Close()
	})
	return a
}

// has gives the app jobs, which is what a new version of it would do.
func (a *goApp) has(jobs ...string) {
	app := runhook.New(runhook.Config{ID: "shop", APIKey: a.stack.apiKey, APIURL: a.stack.url})
	for _, id := range jobs {
		runhook.NewJob(app, id, "1.0.0", runhook.OnInvoke[string](), greet)
	}
	a.handler.Store(app)
}

// greet is what every job does.
func greet(ctx context.Context, name string) (string, error) {
	runhook.Log(ctx, slog.LevelInfo, "greeting "+name, nil)
	greeting, err := runhook.Task(ctx, "compose", func(context.Context) (string, error) { return "Hello, " + name, nil })
	if err != nil {
		return "", err
	}
	// Long enough that it is noted before it is over, on however slow a machine.
	if err := runhook.Sleep(ctx, "breathe", 3*time.Second); err != nil {
		return "", err
	}
	if name == "" {
		return "", errors.New("no name to greet")
	}
	return greeting, nil
}

func (a *goApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.away.Load() {
		panic(http.ErrAbortHandler)
	}
	a.handler.Load().ServeHTTP(w, r)
}

func (a *goApp) address() string { return a.web.Listener.Addr().String() }

func (a *goApp) url() string { return a.web.URL + "/api/trigger" }

// passage is an address that leads to another, so that it stays when that changes.
type passage struct {
	listener net.Listener
	target   atomic.Pointer[string]
	passing  sync.WaitGroup
}

func newPassage(t *testing.T) *passage {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &passage{listener: listener}
	p.passing.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			p.passing.Go(func() { p.pass(from) })
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		p.passing.Wait()
	})
	return p
}

func (p *passage) address() string { return p.listener.Addr().String() }

func (p *passage) leadTo(address string) { p.target.Store(&address) }

// pass copies both ways until either side ends; a broken connection shows to both.
func (p *passage) pass(from net.Conn) {
	to, err := net.Dial("tcp", *p.target.Load())
	if err != nil {
		_ = from.Close()
		return
	}
	var copying sync.WaitGroup
	for _, way := range [][2]net.Conn{{to, from}, {from, to}} {
		copying.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = from.Close()
			_ = to.Close()
		})
	}
	copying.Wait()
}

func TestDevShowsRunsWhileTheyHappen(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	dev, log := s.dev(t)
	log.await(t, `^DEVELOPMENT at `+regexp.QuoteMeta(s.url))
	log.await(t, `^App "shop" at http://127\.0\.0\.1:\d+/api/trigger, SDK runhook-go/`)
	log.await(t, `^\d\d:\d\d:\d\d  Indexed 1 job: greet 1\.0\.0$`)

	run := s.invoke(t, "greet", `"Ada"`)
	row := `^\d\d:\d\d:\d\d  greet     ` + run[len(run)-6:] + `  `
	for _, what := range []string{
		"accepted " + run, "executing", "log  greeting Ada", "task compose started", `task compose done in [\d.]+ m?s`,
		`task breathe waits until \d\d:\d\d:\d\d`, "waiting for its tasks", `task breathe done in [\d.]+ m?s`, "executing again, execution 2",
		`SUCCESS after [\d.]+ m?s, 2 executions`, `notification delivered to http://127\.0\.0\.1:\d+/hook \(200 OK, \d+ ms\)`,
	} {
		log.await(t, row+what+`$`)
	}
	failing := s.invoke(t, "greet", `""`)
	log.await(t, failing[len(failing)-6:]+`  FAILURE after .*: no name to greet$`)

	if err := dev.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-dev.ended
	if dev.err != nil {
		t.Errorf("after Ctrl-C it ended with %v", dev.err)
	}
}

func TestDevRegistersAnAppAgainThatHasOtherJobs(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	_, log := s.dev(t)
	s.app.has("greet", "wave")
	log.await(t, `Indexed 2 jobs: greet 1\.0\.0, wave 1\.0\.0 \(new wave 1\.0\.0\)$`)
	wantOutput(t, s.webhooks.await(t, s.invoke(t, "wave", `"Ada"`)), `"Hello, Ada"`)
	s.app.has("wave")
	log.await(t, `Indexed 1 job: wave 1\.0\.0 \(greet is gone\)$`)
}

func TestDevWaitsForAnAppThatIsAwayAndRegistersItAgain(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	_, log := s.dev(t)
	s.app.away.Store(true)
	log.await(t, `The app does not answer any more; waiting for it to come back$`)
	s.app.has("greet", "wave")
	s.app.away.Store(false)
	log.await(t, `Indexed 2 jobs: greet 1\.0\.0, wave 1\.0\.0 \(new wave 1\.0\.0\)$`)
	wantOutput(t, s.webhooks.await(t, s.invoke(t, "wave", `"Ada"`)), `"Hello, Ada"`)
}

func TestDevWaitsForAnAppThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	s.app.away.Store(true)
	dev, log := s.devUntil(t, "No app answers at "+s.app.url()+" yet (")
	s.app.away.Store(false)
	log.await(t, `Indexed 1 job: greet 1\.0\.0$`)
	log.await(t, `^Watching;`)
	if err := dev.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-dev.ended
	if dev.err != nil {
		t.Errorf("after Ctrl-C it ended with %v", dev.err)
	}
}

func TestDevContinuesWhenTheServerIsBack(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	_, log := s.dev(t)
	s.server.kill()
	log.await(t, `Lost the server at `+regexp.QuoteMeta(s.url)+` .*; waiting for it to come back$`)
	s.start(t)
	log.await(t, `The server is back$`)
	run := s.invoke(t, "greet", `"Ada"`)
	log.await(t, run[len(run)-6:]+`  SUCCESS after `)
}

func TestDevSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	keyless := newDevStack(t) // an app with another key
	for name, c := range map[string]struct {
		arguments []string
		status    int
		says      []string
	}{
		"without a key": {[]string{s.app.url(), "--server=" + s.url}, 2, []string{"--api-key (RUNHOOK_API_KEY, TRIGGER_API_KEY)", "runhook keys"}},
		"with a public key": {[]string{s.app.url(), "--server=" + s.url, "--api-key=pk_dev_abc"}, 2,
			[]string{"is a public key", "runhook keys"}},
		"with a key that the server does not know": {[]string{s.app.url(), "--server=" + s.url, "--api-key=tr_dev_unknown12345"}, 1,
			[]string{"does not know this API key (tr_dev_unkn...)", "runhook keys", "tr_dev_"}},
		"with an app that has another key": {[]string{keyless.app.url(), "--server=" + s.url, "--api-key=" + s.apiKey}, 1,
			[]string{keyless.app.url() + "  is an app with another API key", "TRIGGER_API_KEY"}},
		"where something else answers": {[]string{page.URL, "--server=" + s.url, "--api-key=" + s.apiKey}, 1,
			[]string{page.URL + "/api/trigger  answers, but not as an app: 404 Not Found"}},
		"without a server": {[]string{s.app.url(), "--server=http://127.0.0.1:1", "--api-key=" + s.apiKey}, 1,
			[]string{"no Runhook server answers at http://127.0.0.1:1", "runhook serve"}},
		"with another server": {[]string{s.app.url(), "--server=" + page.URL, "--api-key=" + s.apiKey}, 1,
			[]string{"answers, but not as a Runhook server"}},
		"with a URL that is none": {[]string{"ftp://localhost/", "--server=" + s.url, "--api-key=" + s.apiKey}, 1,
			[]string{`"ftp://localhost/" is not the URL of an app`}},
	} {
		t.Run(name, func(t *testing.T) {
			printed, err := s.command(t, c.arguments...).CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != c.status {
				t.Errorf("it ended with %v, want status %d", err, c.status)
			}
			for _, want := range c.says {
				if !strings.Contains(string(printed), want) {
					t.Errorf("it does not say %q but\n%s", want, printed)
				}
			}
			if strings.Contains(string(printed), s.apiKey) {
				t.Errorf("it prints the key:\n%s", printed)
			}
		})
	}
}
