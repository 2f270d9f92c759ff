package main

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
)

func TestOpenShowsALinkThatSignsInWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, database string) {
		_, s := serving(t, database)
		link, problems, status := invoked(t, "open", "--db", database, "--public-url", s.URL)
		if status != 0 || !strings.HasPrefix(link, s.URL+"/sign-in?token=") {
			t.Fatalf("open exits with %d and shows %q %q", status, link, problems)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar}
		response, err := browser.Get(strings.TrimSpace(link))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK || response.Request.URL.Path != "/env/dev" {
			t.Errorf("the link leads to %s, which is answered %d, want the home of DEVELOPMENT", response.Request.URL, response.StatusCode)
		}
	})
	if _, problems, status := invoked(t, "open", "--public-url", "jobs"); status != wrongUsage || !strings.Contains(problems, "--public-url") {
		t.Errorf("a URL that is none exits with %d: %s", status, problems)
	}
	refused(t, "there is no database", "open", "--db", sqliteIn(t, "none.db"))
}
