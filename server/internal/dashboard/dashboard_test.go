package dashboard_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/dashboard"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// browser asks for pages as a browser does, without following redirects.
type browser struct {
	*testing.T
	base   string
	client *http.Client
}

func newBrowser(t *testing.T, s *harness.Server) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s.URL, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// signedIn returns a browser with a session.
func signedIn(t *testing.T, s *harness.Server) *browser {
	t.Helper()
	b := newBrowser(t, s)
	if status, to, _ := b.get(s.SignInLink()); status != http.StatusSeeOther || to != "/" {
		t.Fatalf("the link is answered %d and leads to %q, want 303 and /", status, to)
	}
	return b
}

func (b *browser) get(path string) (status int, location, body string) {
	b.Helper()
	return b.do("GET", path, nil, nil)
}

func (b *browser) post(path string, form url.Values, header http.Header) (status int, location, body string) {
	b.Helper()
	return b.do("POST", path, form, header)
}

func (b *browser) do(method, path string, form url.Values, header http.Header) (status int, location, body string) {
	b.Helper()
	if !strings.HasPrefix(path, "http") {
		path = b.base + path
	}
	request, err := http.NewRequestWithContext(b.Context(), method, path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := b.client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Location"), string(text)
}

// page returns a page that must be there and have all of some texts.
func (b *browser) page(path string, texts ...string) string {
	b.Helper()
	status, location, body := b.get(path)
	if status != http.StatusOK {
		b.Fatalf("%s is answered %d %s\n%s", path, status, location, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			b.Errorf("%s lacks %q:\n%s", path, text, body)
		}
	}
	return body
}

func TestALinkSignsInOnce(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		link := s.SignInLink()
		b := newBrowser(t, s)
		if status, to, _ := b.get(link); status != http.StatusSeeOther || to != "/" {
			t.Fatalf("the link is answered %d and leads to %q, want 303 and /", status, to)
		}
		if status, to, _ := b.get("/"); status != http.StatusSeeOther || to != "/env/dev" {
			t.Errorf("/ is answered %d and leads to %q, want DEVELOPMENT", status, to)
		}
		b.page("/env/dev", "Connect an app")
		if status, _, _ := b.get(link); status != http.StatusSeeOther {
			t.Errorf("opened twice by one browser, the link is answered %d, want 303", status)
		}

		other := newBrowser(t, s)
		if status, _, body := other.get(link); status != http.StatusForbidden || !strings.Contains(body, "used already") {
			t.Errorf("opened by another browser, the link is answered %d, want 403 and why:\n%s", status, body)
		}
		expired := s.SignInLink()
		s.Clock.Advance(dashboard.LinkLifetime)
		if status, _, body := other.get(expired); status != http.StatusForbidden || !strings.Contains(body, "expired") {
			t.Errorf("after its time, a link is answered %d, want 403 and why:\n%s", status, body)
		}
		for _, token := range []string{"x", "AAAA", strings.Repeat("A", 75), link[len(link)-75:len(link)-1] + "_"} {
			if status, _, _ := other.get("/sign-in?token=" + url.QueryEscape(token)); status != http.StatusForbidden {
				t.Errorf("the token %q is answered %d, want 403", token, status)
			}
		}
	})
}

func TestPagesAreForThoseWhoAreSignedIn(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	stranger := newBrowser(t, s)
	paths := []string{"/env/dev", "/env/prod/runs", "/env/dev/runs/run_x", "/env/dev/changes", "/orgs/a/projects/b/jobs/c/runs/d"}
	for _, path := range paths {
		if status, _, body := stranger.get(path); status != http.StatusUnauthorized || !strings.Contains(body, "runhook open") {
			t.Errorf("%s is answered %d, want 401 and how to sign in", path, status)
		}
	}
	for _, path := range []string{"/env/dev/invoke", "/env/dev/runs/run_x/cancel", "/env/dev/notifications/ntf_x/resend"} {
		if status, _, _ := stranger.post(path, url.Values{}, nil); status != http.StatusUnauthorized {
			t.Errorf("POST %s is answered %d, want 401", path, status)
		}
	}
	// What is no page is the API's, which takes no cookie.
	b := signedIn(t, s)
	if status, _, _ := b.get("/api/runhook/v1/runs"); status != http.StatusUnauthorized {
		t.Errorf("the API takes a session for a key: %d", status)
	}

	if status, to, _ := b.post("/sign-out", url.Values{}, nil); status != http.StatusSeeOther || to != "/" {
		t.Errorf("signing out is answered %d and leads to %q", status, to)
	}
	if status, _, _ := b.get("/env/dev"); status != http.StatusUnauthorized {
		t.Errorf("after signing out, a page is answered %d, want 401", status)
	}
	b = signedIn(t, s)
	s.Clock.Advance(31 * 24 * time.Hour)
	if status, _, _ := b.get("/env/dev"); status != http.StatusUnauthorized {
		t.Errorf("after a month, a page is answered %d, want 401", status)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	harness.NewApp(t, s)
	b := signedIn(t, s)
	form := url.Values{"job": {harness.JobID}, "payload": {"{}"}}
	for name, header := range map[string]http.Header{
		"by what the browser says":  {"Sec-Fetch-Site": {"cross-site"}},
		"by the origin of its page": {"Origin": {"https://elsewhere.example"}},
	} {
		if status, _, _ := b.post("/env/dev/invoke", form, header); status != http.StatusForbidden {
			t.Errorf("%s: it is answered %d, want 403", name, status)
		}
	}
	if status, to, body := b.post("/env/dev/invoke", form, http.Header{"Sec-Fetch-Site": {"same-origin"}}); status != http.StatusSeeOther || !strings.HasPrefix(to, "/env/dev/runs/run_") {
		t.Errorf("the dashboard's own form is answered %d and leads to %q:\n%s", status, to, body)
	}
}

func TestPagesShowWhatTheServerHas(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		app := harness.NewApp(t, s)
		client := s.Development()
		b := signedIn(t, s)
		receiver := harness.NewReceiver(t, s)

		id := app.Run(map[string]any{"payload": map[string]any{"order": 42}, "options": map[string]any{"callbackUrl": receiver.URL}},
			func(x *harness.Execution) harness.Reply {
				x.Complete(x.Task("charge"), `{"charge":"<b>ch_42</b>"}`)
				return harness.Success(`{"done":true}`)
			})
		client.WaitRun(id, protocol.RunSuccess)
		note := client.WaitAttempt(id, 1)

		b.page("/env/dev", "Nothing needs attention", harness.JobID)
		b.page("/env/dev/runs", id, "Success")
		b.page("/env/dev/runs?status=failed", "No run matches")
		run := b.page("/env/dev/runs/"+id, "charge", "&lt;b&gt;ch_42&lt;/b&gt;", "&#34;order&#34;: 42", "Delivered", receiver.URL, "Run again")
		if strings.Contains(run, s.Key(protocol.Development).Secret) {
			t.Error("the page of a run shows the key")
		}
		b.page("/env/dev/jobs", harness.JobID, "invoked")
		b.page("/env/dev/jobs/"+harness.JobID, id, "&#34;order&#34;: 42")
		client.OK("POST", "/api/v1/events", map[string]any{"event": map[string]any{"name": "order.paid", "id": "<i>1</i>", "payload": map[string]any{}}}, nil)
		b.page("/env/dev/events", "order.paid", "&lt;i&gt;1&lt;/i&gt;")
		b.page("/env/dev/schedules", "No schedule yet")
		b.page("/env/dev/notifications", note.ID)
		b.page("/env/dev/notifications?status=EXHAUSTED", "No notification is in this state")
		b.page("/env/dev/notifications/"+note.ID, "Delivered", "webhook-id", id)
		b.page("/env/dev/subscriptions", "No subscription yet")
		b.page("/env/dev/apps", app.URL)

		// The links that the Node SDK stores.
		if status, to, _ := b.get("/orgs/o/projects/p/jobs/j/runs/" + id + "/trigger"); status != http.StatusSeeOther || to != "/env/dev/runs/"+id {
			t.Errorf("a link of the SDK is answered %d and leads to %q", status, to)
		}
		for path, want := range map[string]int{
			"/env/dev/runs/run_none": 404, "/env/prod/runs/" + id: 404, "/env/none": 404, "/env/dev/runs?status=none": 400, "/env/dev/jobs/none": 404,
			"/env/dev/runs?cursor=%00": 400, "/static/none": 404,
		} {
			if status, _, _ := b.get(path); status != want {
				t.Errorf("%s is answered %d, want %d", path, status, want)
			}
		}
	})
}

func TestActionsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	client := s.Development()
	b := signedIn(t, s)
	act := func(path string, form url.Values) (to string) {
		t.Helper()
		status, to, body := b.post("/env/dev"+path, form, nil)
		if status != http.StatusSeeOther {
			t.Fatalf("%s is answered %d\n%s", path, status, body)
		}
		return to
	}
	fails := func(x *harness.Execution) harness.Reply { return harness.Failure("no luck") }
	id := app.Run(map[string]any{"payload": map[string]any{}}, fails, func(*harness.Execution) harness.Reply { return harness.Success(`1`) })
	client.WaitRun(id, protocol.RunFailure)
	b.page("/env/dev/runs/"+id, "no luck", "Continue where it failed")
	b.page("/env/dev", harness.JobID)

	if to := act("/runs/"+id+"/continue", nil); to != "/env/dev/runs/"+id {
		t.Errorf("continuing a run leads to %s", to)
	}
	client.WaitRun(id, protocol.RunSuccess)

	waits := app.Run(map[string]any{"payload": map[string]any{}}, func(x *harness.Execution) harness.Reply {
		return harness.Resume(x.Task("sleep", harness.Noop, harness.Delay(s.Clock.Now().Add(time.Hour))))
	})
	client.WaitRun(waits, protocol.RunWaitingToContinue)
	b.page("/env/dev/runs/"+waits, "Waits for", "Cancel")
	act("/runs/"+waits+"/cancel", nil)
	client.WaitRun(waits, protocol.RunCanceled)

	if status, _, body := b.post("/env/dev/invoke", url.Values{"job": {harness.JobID}, "payload": {"{"}}, nil); status != 400 || !strings.Contains(body, "not JSON") {
		t.Errorf("a payload that is no JSON is answered %d:\n%s", status, body)
	}
	again := act("/runs/"+id+"/rerun", nil)
	if again == "/env/dev/runs/"+id || !strings.HasPrefix(again, "/env/dev/runs/run_") {
		t.Errorf("running again leads to %s, want a new run", again)
	}
	b.page(again)
}

func TestADashboardThatIsSwitchedOffIsNotThere(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.NoDashboard = true }})
	if link := s.SignInLink(); link != "" {
		t.Errorf("there is a link, %q", link)
	}
	for _, path := range []string{"/env/dev", "/sign-in", "/static/style.css"} {
		if status, _, _ := newBrowser(t, s).get(path); status != http.StatusNotFound {
			t.Errorf("%s is answered %d, want 404", path, status)
		}
	}
}
