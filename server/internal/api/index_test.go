package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// endpoints is what the list of endpoints says.
type endpoints struct {
	Endpoints []struct {
		Slug, URL, IndexHook string
		LastIndex            struct {
			ID, Status, Source, Reason string
			SourceData                 any
			Stats                      struct{ Jobs int }
			Error                      struct{ Message string }
		}
	}
}

func listEndpoints(c *harness.Client) (list endpoints) {
	c.OK("GET", "/api/runhook/v1/endpoints", nil, &list)
	return list
}

func TestIndexingOnRequest(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"returns the outcome": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(harness.Index(harness.Job(harness.JobID, harness.JobVersion)))
			answer := s.Development().Do("POST", "/api/v1/endpoints/app/index", `{"reason":"deployed","data":{"a":1}}`)
			checkStatus(t, answer, 200)
			for name, want := range map[string]string{
				"source": `"API"`, "reason": `"deployed"`, "sourceData": `{"a":1}`, "status": `"SUCCESS"`, "error": "null", "data": "",
			} {
				checkMember(t, answer, name, want)
			}
			if stats := string(answer.Members()["stats"]); !strings.HasPrefix(stats, `{"jobs":1,"sources":0,`) {
				t.Errorf("the stats are %s", stats)
			}
			if last := listEndpoints(s.Development()).Endpoints[0]; last.LastIndex.Reason != "deployed" || last.LastIndex.Status != "SUCCESS" {
				t.Errorf("the last indexing is %+v", last.LastIndex)
			}
		},
		"needs no body": func(t *testing.T, s *harness.Server, app *harness.App) {
			answer := s.Development().Do("POST", "/api/v1/endpoints/app/index", nil)
			checkStatus(t, answer, 200)
			checkMember(t, answer, "reason", "null")
			checkMember(t, answer, "sourceData", "null")
		},
		"applies what the app says": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(harness.Index(harness.Job(harness.JobID, harness.JobVersion), harness.Job("second", "1.0.0")))
			checkStatus(t, s.Development().Do("POST", "/api/v1/endpoints/app/index", `{}`), 200)
			s.Development().Invoke("second", "{}")
		},
		"says what is wrong with the jobs": func(t *testing.T, s *harness.Server, app *harness.App) {
			app.SetIndex(`{"jobs":[{"id":"bad"}],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[]}`)
			answer := s.Development().Do("POST", "/api/v1/endpoints/app/index", `{}`)
			app.SetIndex(harness.Index(harness.Job(harness.JobID, harness.JobVersion)))
			checkStatus(t, answer, 200)
			checkMember(t, answer, "status", `"FAILURE"`)
			if !strings.Contains(string(answer.Members()["error"]), `Your Jobs have issues`) {
				t.Errorf("the error is %s", answer.Members()["error"])
			}
		},
		"refuses": func(t *testing.T, s *harness.Server, app *harness.App) {
			checkStatus(t, s.Development().Do("POST", "/api/v1/endpoints/none/index", `{}`), 404)
			checkStatus(t, s.As(s.Key(protocol.Staging).Secret).Do("POST", "/api/v1/endpoints/app/index", `{}`), 404)
			checkStatus(t, s.Development().Do("POST", "/api/v1/endpoints/app/index", `{`), 400)
			checkStatus(t, s.As("tr_dev_wrong").Do("POST", "/api/v1/endpoints/app/index", `{}`), 401)
			checkStatus(t, s.Development().Do("PUT", "/api/v1/endpoints/app/index", `{}`), 405)
		},
	})
}

func TestTheIndexHook(t *testing.T) {
	t.Parallel()
	harness.RunCases(t, harness.Cases{
		"indexes five seconds later, by any method": func(t *testing.T, s *harness.Server, app *harness.App) {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
				hook := listEndpoints(s.Development()).Endpoints[0].IndexHook
				answer := s.As("").Do(method, hook, "no JSON")
				checkStatus(t, answer, 200)
				checkMember(t, answer, "ok", "true")
				ordered := listEndpoints(s.Development()).Endpoints[0].LastIndex
				s.JustBefore(s.Clock.Now().Add(5 * time.Second))
				calls := app.Calls(protocol.ActionIndexEndpoint)
				if got := listEndpoints(s.Development()).Endpoints[0].LastIndex; got.Status != "PENDING" || got.Source != "HOOK" || got.SourceData != nil {
					t.Errorf("before its time the indexing is %+v", got)
				}
				s.Clock.Advance(time.Millisecond)
				s.Wait("the indexing", func() bool { return listEndpoints(s.Development()).Endpoints[0].LastIndex.Status == "SUCCESS" })
				if got := listEndpoints(s.Development()).Endpoints[0].LastIndex; got.ID != ordered.ID || app.Calls(protocol.ActionIndexEndpoint) != calls+1 {
					t.Errorf("%s was made instead of %s, after %d calls", got.ID, ordered.ID, app.Calls(protocol.ActionIndexEndpoint)-calls)
				}
			}
		},
		"takes the reason from a deployment": func(t *testing.T, s *harness.Server, app *harness.App) {
			for body, want := range map[string]string{
				`{"type":"deployment.succeeded","payload":{"deployment":{"name":"shop","url":"shop-1.example","meta":{"githubCommitMessage":"Sell more\n\nMuch more","githubCommitRef":"main","githubCommitSha":"0123456789abcdef"}}}}`: "Vercel deployed Sell more (main@0123456)",
				`{"type":"deployment.succeeded","payload":{"deployment":{"name":"shop","url":"shop-1.example"}}}`:                                                                                                                       "Vercel deployed shop shop-1.example",
				`{"type":"deployment.created"}`: "",
			} {
				checkStatus(t, s.As("").Do("POST", listEndpoints(s.Development()).Endpoints[0].IndexHook, body), 200)
				if last := listEndpoints(s.Development()).Endpoints[0].LastIndex; last.Reason != want || last.SourceData == nil {
					t.Errorf("the reason is %q and the data %v, want %q", last.Reason, last.SourceData, want)
				}
				s.Clock.Advance(5 * time.Second)
				s.Wait("the indexing", func() bool { return listEndpoints(s.Development()).Endpoints[0].LastIndex.Status == "SUCCESS" })
			}
		},
		"refuses a caller without its identifier": func(t *testing.T, s *harness.Server, app *harness.App) {
			hook := listEndpoints(s.Development()).Endpoints[0].IndexHook
			last := listEndpoints(s.Development()).Endpoints[0].LastIndex.ID
			parts := strings.Split(hook, "/")
			for i := 4; i < len(parts); i++ {
				if parts[i] == "index" {
					continue
				}
				wrong := append([]string(nil), parts...)
				wrong[i] = "wrong"
				checkStatus(t, s.As("").Do("POST", strings.Join(wrong, "/"), `{}`), 404)
			}
			if got := listEndpoints(s.Development()).Endpoints[0].LastIndex.ID; got != last {
				t.Errorf("%s was ordered", got)
			}
		},
	})
}

func TestWhatThisServerDoesNotHave(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	production := s.As(s.Key(protocol.Production).Secret)
	for name, c := range map[string]struct {
		client       *harness.Client
		method, path string
		status       int
		says         string
	}{
		"tunnels, asked by HEAD":       {s.Development(), "HEAD", "/api/v1/tunnels", 501, ""},
		"tunnels, asked by GET":        {s.Development(), "GET", "/api/v1/tunnels", 501, "Tunneling is not supported"},
		"a tunnel":                     {s.Development(), "POST", "/api/v1/tunnels", 501, "Tunneling is not supported"},
		"a tunnel of PRODUCTION":       {production, "POST", "/api/v1/tunnels", 501, "Tunneling is only supported in development"},
		"tunnels without a key":        {s.As(""), "GET", "/api/v1/tunnels", 401, "Invalid or Missing API key (server " + s.URL + ")"},
		"credentials":                  {s.Development(), "GET", "/api/v1/app/auth/github", 404, "Integration not found"},
		"a connection":                 {s.Development(), "GET", "/api/v1/integrations/github/connections/c1", 404, "Connection not found"},
		"a new connection":             {s.Development(), "POST", "/api/v1/accounts/a1/connections/github", 501, "keeps no credentials"},
		"credentials, without a key":   {s.As(""), "GET", "/api/v1/app/auth/github", 401, "Invalid or Missing API key (server " + s.URL + ")"},
		"an authorization code":        {s.As(""), "POST", "/api/v1/authorization-code", 501, "no access tokens"},
		"an access token":              {s.As(""), "POST", "/api/v1/token", 501, "no access tokens"},
		"the owner of a token":         {s.As("tr_pat_" + strings.Repeat("a", 40)), "GET", "/api/v2/whoami", 401, "Invalid or Missing Access Token (server " + s.URL + ")"},
		"the owner of no token":        {s.As(""), "GET", "/api/v2/whoami", 401, "Invalid or Missing Access Token (server " + s.URL + ")"},
		"who a secret key is, as ever": {s.Development(), "GET", "/api/v1/whoami", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := c.client.Do(c.method, c.path, nil)
			if answer.Status != c.status || !strings.Contains(answer.Error(), c.says) {
				t.Errorf("answered %d %s, want %d and %q", answer.Status, answer.Body, c.status, c.says)
			}
		})
	}
}
