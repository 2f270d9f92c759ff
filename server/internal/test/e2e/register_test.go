package e2e

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// register runs "runhook register" in DEVELOPMENT to its end.
func (s *devStack) register(t *testing.T, arguments ...string) (printed string, status int) {
	t.Helper()
	command := s.command(t)
	command.Args = append([]string{command.Args[0], "register", "--server=" + s.url, "--api-key=" + s.apiKey}, arguments...)
	text, err := command.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

func TestRegisterListsTheJobsThatCanThenBeInvoked(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	s.app.has("greet", "wave")
	printed, status := s.register(t, s.app.address())
	want := "Registered app \"shop\" at " + s.app.url() + " in DEVELOPMENT: 2 jobs\n  greet 1.0.0\n  wave 1.0.0\n"
	if printed != want || status != 0 {
		t.Errorf("it ends with %d and prints\n%s\nwant\n%s", status, printed, want)
	}
	s.invoke(t, "wave", `"Ada"`)

	s.app.has("greet")
	printed, status = s.register(t, s.app.url(), "--id=shop", "--json")
	if status != 0 || !strings.Contains(printed, `"disabledJobs":1`) || !strings.Contains(printed, `"jobs":[{"id":"greet","name":"greet","version":"1.0.0"}]`) {
		t.Errorf("with --json it ends with %d and prints %s", status, printed)
	}
}

func TestRegisterSaysWhyAnAppIsNotRegistered(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	other := newDevStack(t)
	for name, c := range map[string]struct {
		arguments []string
		says      []string
	}{
		"it is not served":           {[]string{"http://127.0.0.1:1/api/trigger", "--wait=0s"}, []string{"no app answers at http://127.0.0.1:1/api/trigger", "connection refused", "Start the app"}},
		"the server cannot reach it": {[]string{"http://127.0.0.1:1/api/trigger", "--id=shop"}, []string{"the server does not register the app", "Could not connect to endpoint http://127.0.0.1:1/api/trigger"}},
		"it has another key":         {[]string{other.app.url()}, []string{"is an app with another API key", "TRIGGER_API_KEY"}},
		"it has another id":          {[]string{s.app.url(), "--id=store"}, []string{"the server does not register the app", "shop"}},
		"it is something else":       {[]string{page.URL}, []string{"answers, but not as an app: 404 Not Found"}},
		"its URL is none":            {[]string{"ftp://x"}, []string{"is not the URL of an app"}},
	} {
		t.Run(name, func(t *testing.T) {
			printed, status := s.register(t, c.arguments...)
			for _, want := range c.says {
				if status != 1 || !strings.Contains(printed, want) {
					t.Errorf("it ends with %d and does not say %q but\n%s", status, want, printed)
				}
			}
		})
	}
}

func TestAJobCanBeInvokedTheMomentDevWasStarted(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	command := s.command(t, s.app.url(), "--server="+s.url, "--api-key="+s.apiKey)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	s.invoke(t, "greet", `"Ada"`)
}

func TestDevWarnsOfAnAppThatTakesTheIDOfAnother(t *testing.T) {
	t.Parallel()
	s := newDevStack(t)
	_, before := s.dev(t)
	other := newGoApp(t, s)
	other.has("wave")
	first := s.app
	s.app = other
	_, after := s.dev(t)
	url := regexp.QuoteMeta(first.url())
	after.await(t, `The app at `+url+`, which still answers, has the id "shop" too, and this one has taken its place\. Disabled by that: greet\.$`)
	before.await(t, `The app at `+regexp.QuoteMeta(other.url())+` has the id "shop" too, and has taken the place of this one: 1 job disabled\.$`)
	if printed, status := s.register(t, first.url()); status != 0 || !strings.Contains(printed, "Disabled by that: wave.") {
		t.Errorf("register ends with %d and prints\n%s", status, printed)
	}
}
