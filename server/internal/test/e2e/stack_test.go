package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook/server/internal/testpostgres"
)

// stack is a server with an app and a receiver of webhooks.
type stack struct {
	apiKey   string
	database string
	api      *relay
	log      *journal
	server   *process
	app      *app
	webhooks *webhooks
}

// withEveryStack plays something on a stack of its own for each version of the
// SDK and each database, on all at once.
func withEveryStack(t *testing.T, play func(t *testing.T, s *stack)) {
	t.Helper()
	var playing sync.WaitGroup
	for _, sdk := range []string{"2.3.18", "2.3.19"} {
		for _, database := range []string{"SQLite", "PostgreSQL"} {
			// Not t.Parallel, which runs no more tests at once than there are
			// cores: these mostly wait.
			playing.Go(func() {
				t.Run("SDK "+sdk+" on "+database, func(t *testing.T) { play(t, newStack(t, sdk, database)) })
			})
		}
	}
	playing.Wait()
}

// scenario is something that an app does, and what must come of it.
type scenario struct {
	name  string
	check func(t *testing.T, s *stack)
}

// atOnce is how many scenarios are played at once on a stack. Most of each is
// waiting; but more would keep the app too busy to answer in the times that it has.
const atOnce = 40

// play plays scenarios on a stack, many at once.
func play(t *testing.T, s *stack, scenarios []scenario) {
	t.Helper()
	var playing sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, scenario := range scenarios {
		places <- struct{}{}
		playing.Go(func() {
			defer func() { <-places }()
			t.Run(scenario.name, func(t *testing.T) { scenario.check(t, s) })
		})
	}
	playing.Wait()
}

func newStack(t *testing.T, sdk, database string) *stack {
	t.Helper()
	s := &stack{apiKey: "tr_dev_" + rand.Text(), log: &journal{}, app: &app{sdk: sdk, log: &journal{}}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", s.log)
			t.Logf("the end of the app's log:\n%s", s.app.log)
		}
	})
	switch database {
	case "SQLite":
		s.database = "sqlite:" + filepath.Join(t.TempDir(), "runhook.db")
	case "PostgreSQL":
		s.database = testpostgres.URL(t)
	}
	s.webhooks = receiveWebhooks(t, s.apiKey)
	s.webhooks.crashed = s.crashed
	s.api, s.app.relay = newRelay(t), newRelay(t)
	s.startServer(t)
	s.app.start(t, s.api.url, s.apiKey)
	s.register(t)
	return s
}

func (s *stack) startServer(t *testing.T) {
	t.Helper()
	s.serve(t, "--dev-api-key="+s.apiKey)
}

// serve starts the server with some arguments of its own.
func (s *stack) serve(t *testing.T, arguments ...string) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	arguments = append([]string{"serve", "--addr=127.0.0.1:0", "--db=" + s.database, "--public-url=" + s.api.url,
		"--log-format=json", "--log-level=debug"}, arguments...)
	command := exec.Command(path, arguments...)
	command.Env = cleanEnvironment()
	var address string
	s.server, address = start(t, "the server", command, s.log, func(line string) (string, bool) {
		var said struct{ Msg, Address string }
		err := json.Unmarshal([]byte(line), &said)
		return said.Address, err == nil && said.Msg == "serving"
	})
	s.api.passTo(address)
}

// register registers the app and waits until the server knows its jobs.
func (s *stack) register(t *testing.T) {
	t.Helper()
	var endpoint struct {
		EndpointIndex struct{ ID string }
	}
	body := map[string]string{"id": "e2e-app", "url": s.app.relay.url + "/api/trigger"}
	ask(t, "POST", s.api.url+"/api/v1/endpoints", s.apiKey, body, &endpoint)
	s.until(t, "the app is indexed", func() bool {
		var index struct {
			Status string
			Error  json.RawMessage
		}
		ask(t, "GET", s.api.url+"/api/v1/endpointindex/"+endpoint.EndpointIndex.ID, s.apiKey, nil, &index)
		if index.Status == "FAILURE" {
			t.Fatalf("the app could not be indexed: %s", index.Error)
		}
		return index.Status == "SUCCESS"
	})
}

// crashed says which process has ended that no test had ended; empty for none.
func (s *stack) crashed() string {
	if crash := s.log.crashed(); crash != "" || s.app == nil || s.app.log == nil {
		return crash
	}
	return s.app.log.crashed()
}

// until waits until a condition holds that nothing signals.
func (s *stack) until(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !isSo() {
		select {
		case <-look.C:
			if crash := s.crashed(); crash != "" {
				t.Fatalf("waited too long until %s: %s", what, crash)
			}
		case <-ctx.Done():
			t.Fatalf("waited too long until %s", what)
		}
	}
}

// invocation is what a job is invoked with.
type invocation struct {
	payload, context any
	accountID        string
}

// invoke invokes a job over the API and returns the run's id.
func (s *stack) invoke(t *testing.T, job string, in invocation) string {
	t.Helper()
	options := map[string]any{"callbackUrl": s.webhooks.url}
	if in.accountID != "" {
		options["accountId"] = in.accountID
	}
	body := map[string]any{"payload": in.payload, "options": options}
	if in.context != nil {
		body["context"] = in.context
	}
	var run struct{ ID string }
	ask(t, "POST", s.api.url+"/api/v1/jobs/"+job+"/invoke", s.apiKey, body, &run)
	return run.ID
}

// run invokes a job and returns how its run ended.
func (s *stack) run(t *testing.T, job string, payload any) notification {
	t.Helper()
	return s.webhooks.await(t, s.invoke(t, job, invocation{payload: payload}))
}

// invokeEach invokes a job once for each value of a member of its payload, and
// returns the runs' ids by value.
func (s *stack) invokeEach(t *testing.T, job, member string, values []string) map[string]string {
	t.Helper()
	runs := map[string]string{}
	for _, value := range values {
		runs[value] = s.invoke(t, job, invocation{payload: map[string]string{member: value}})
	}
	return runs
}

// status returns the status that a run has now.
func (s *stack) status(t *testing.T, run string) string {
	t.Helper()
	var got struct{ Status string }
	ask(t, "GET", s.api.url+"/api/v2/runs/"+run, s.apiKey, nil, &got)
	return got.Status
}
