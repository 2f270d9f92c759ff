package server_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestDevelopmentIsOffByDefaultWhereThePublicURLIsForTheInternet(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, test := range map[string]struct {
		config server.Config
		off    bool
	}{
		"the default":                   {server.Config{}, false},
		"a name of the internet":        {server.Config{PublicURL: "https://runs.example.com"}, true},
		"one with a dot at its end":     {server.Config{PublicURL: "https://runs.example.com./base"}, true},
		"a name that only looks local":  {server.Config{PublicURL: "https://localhost.example.com"}, true},
		"a public address":              {server.Config{PublicURL: "http://203.0.113.7:3030"}, true},
		"a public address of IPv6":      {server.Config{PublicURL: "http://[2001:4860:4860::8888]"}, true},
		"a mapped public address":       {server.Config{PublicURL: "http://[::ffff:8.8.8.8]"}, true},
		"a public address as a number":  {server.Config{PublicURL: "http://134744072"}, true},
		"localhost":                     {server.Config{PublicURL: "http://LOCALHOST:3030"}, false},
		"below localhost":               {server.Config{PublicURL: "http://runs.localhost"}, false},
		"loopback":                      {server.Config{PublicURL: "http://[::1]:3030"}, false},
		"a private address":             {server.Config{PublicURL: "http://192.168.1.4:3030"}, false},
		"a private address of IPv6":     {server.Config{PublicURL: "http://[fd00::1]"}, false},
		"a shared address":              {server.Config{PublicURL: "http://100.64.3.4"}, false},
		"a machine of the network":      {server.Config{PublicURL: "http://runs"}, false},
		"multicast DNS":                 {server.Config{PublicURL: "http://runs.local."}, false},
		"a name of the inside":          {server.Config{PublicURL: "http://runs.corp.internal"}, false},
		"a name for tests":              {server.Config{PublicURL: "http://runs.test"}, false},
		"switched on, on the internet":  {server.Config{PublicURL: "https://runs.example.com", Development: &yes}, false},
		"switched off, on this machine": {server.Config{Development: &no}, true},
		"named, on this machine":        {server.Config{Disabled: []protocol.EnvironmentType{protocol.Development}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.Address, test.config.Database = "127.0.0.1:0", harness.Memory
			var keys []server.Key
			test.config.OnKeys = func(made []server.Key) { keys = made }
			opened, err := server.Open(t.Context(), test.config)
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close()
			for _, key := range keys {
				if off := key.Environment == protocol.Development && test.off; (key.Off != "") != off {
					t.Errorf("%s is off: %q", key.Environment, key.Off)
				}
			}
		})
	}
}

func TestEnvironmentsThatCannotBeOffAreRefused(t *testing.T) {
	t.Parallel()
	yes := true
	for name, config := range map[string]server.Config{
		"an unknown one":           {Disabled: []protocol.EnvironmentType{"TEST"}},
		"all":                      {Disabled: []protocol.EnvironmentType{protocol.Production, protocol.Staging, protocol.Development, protocol.Preview}},
		"one that is to be on too": {Disabled: []protocol.EnvironmentType{protocol.Development}, Development: &yes},
	} {
		config.Database = harness.Memory
		var wrong *server.FieldError
		if _, err := server.Open(t.Context(), config); !errors.As(err, &wrong) || wrong.Field != "Disabled" {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestDevelopmentReachesPrivateNetworksOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, test := range map[string]struct {
		config  server.Config
		reached bool
	}{
		"on this machine":                {server.Config{}, true},
		"on this machine, without":       {server.Config{DevelopmentNetworks: &no}, false},
		"on the internet":                {server.Config{PublicURL: "https://runs.example.com", Development: &yes}, false},
		"on the internet, with":          {server.Config{PublicURL: "https://runs.example.com", Development: &yes, DevelopmentNetworks: &yes}, true},
		"without, but what is listed":    {server.Config{DevelopmentNetworks: &no, EgressAllow: "127.0.0.1"}, true},
		"without, but another is listed": {server.Config{DevelopmentNetworks: &no, EgressAllow: "10.0.0.0/8"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) {
				c.PublicURL, c.Development, c.DevelopmentNetworks, c.EgressAllow = test.config.PublicURL, test.config.Development, test.config.DevelopmentNetworks, test.config.EgressAllow
			}})
			s.URL = "http://" + s.Address
			app := harness.NewUnregisteredApp(t, s)
			answer := s.Development().Do("POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: app.URL})
			if (answer.Status == http.StatusOK) != test.reached {
				t.Errorf("registering an app on this machine was answered with %d: %s", answer.Status, answer.Error())
			}
			if !test.reached && !strings.Contains(answer.Error(), "RUNHOOK_DEV_PRIVATE_NETWORKS") {
				t.Errorf("the answer does not say how to permit it: %s", answer.Error())
			}
		})
	}
}

// switched is a server with an app in DEVELOPMENT and in PRODUCTION, of which
// DEVELOPMENT is off.
type switched struct {
	s        *harness.Server
	app      *harness.App
	receiver *harness.Receiver
	// start starts the server anew, with or without DEVELOPMENT.
	start func(development bool)
	// waiting is a run that waits for a callback, and delayed one that waits for a time.
	waiting, delayed string
	// doors enter DEVELOPMENT.
	doors map[string]func() harness.Answer
}

const switchedIndex = `{"jobs":[` +
	`{"id":"job","name":"job","version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},"event":{"name":"invoke","title":"","source":"trigger.dev","icon":""},"trigger":{"type":"invoke"}},` +
	`{"id":"clock","name":"clock","version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},"event":{"name":"dev.trigger.scheduled","title":"","source":"trigger.dev","icon":""},` +
	`"trigger":{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":60}}}}` +
	`],"sources":[],"dynamicSchedules":[],"dynamicTriggers":[{"id":"issues","jobs":[]}],"httpEndpoints":[` +
	`{"id":"shop","version":"1","enabled":true,"icon":"webhook","source":"shop.example","event":{"name":"shop","title":"","source":"shop.example","icon":"webhook"}}]}`

// newSwitched starts a server, has things under way in DEVELOPMENT, and starts the
// server again without that.
func newSwitched(t *testing.T, database string) *switched {
	if database == harness.Memory {
		database = "sqlite:" + t.TempDir() + "/runhook.db"
	}
	w := &switched{}
	clock := harness.NewClock()
	w.start = func(development bool) {
		if w.s != nil {
			w.s.Stop()
		}
		w.s = harness.Start(t, harness.Options{Database: database, Clock: clock, Adjust: func(c *server.Config) {
			c.EgressAllow, c.DevSchedules, c.Development = "127.0.0.0/8", true, &development
			c.NotificationSchedule = []time.Duration{0, time.Minute, time.Minute}
		}})
		if w.app != nil {
			w.app = w.app.Move(w.s)
		}
	}
	w.start(true)
	development, production := w.s.Development(), w.s.As(w.s.Key(protocol.Production).Secret)
	w.app = harness.NewUnregisteredApp(t, w.s)
	w.app.SetIndex(switchedIndex)
	w.app.Register(development, "app")
	other := harness.NewUnregisteredApp(t, w.s)
	other.SetIndex(switchedIndex)
	other.Register(production, "app")
	w.receiver = harness.NewReceiver(t, w.s, harness.HTTP(http.StatusServiceUnavailable, ""))

	var asked protocol.Task
	w.waiting = w.app.Run(nil, func(x *harness.Execution) harness.Reply {
		asked = x.Task("ask", harness.Callback(86400))
		return harness.Resume(asked)
	}, harness.Always(harness.Success("")))
	development.WaitRun(w.waiting, protocol.RunWaitingToContinue)
	w.delayed = w.app.Run(nil, func(x *harness.Execution) harness.Reply {
		return harness.Resume(x.Task("sleep", harness.Delay(x.At.Add(time.Minute)), harness.Noop))
	}, harness.Always(harness.Success("")))
	development.WaitRun(w.delayed, protocol.RunWaitingToContinue)
	notified := w.app.Run(`{"options":{"callbackUrl":"`+w.receiver.URL+`"}}`, harness.Always(harness.Success("")))
	development.WaitAttempt(notified, 1)

	var source protocol.RegisterSource
	development.OK("PUT", "/api/v2/app/triggers/issues/registrations/all", `{"rule":{"event":"a","source":"tracker"},
		"source":{"version":"2","channel":"HTTP","key":"tracker","params":{},"options":{"event":["a"]},"integration":{"id":"i","metadata":{"id":"i","name":"I"},"authSource":"LOCAL"}}}`, &source)
	var listed struct{ HTTPEndpoints []struct{ URL string } }
	development.OK("GET", "/api/runhook/v1/http-endpoints", nil, &listed)
	var endpoints struct{ Endpoints []struct{ IndexHook string } }
	development.OK("GET", "/api/runhook/v1/endpoints", nil, &endpoints)
	was := w.s.URL
	public := w.s.Key(protocol.Development).Public
	open := func(method, path string) func() harness.Answer {
		return func() harness.Answer { return w.s.As("").Do(method, strings.TrimPrefix(path, was), `{"a":1}`) }
	}
	keyed := func(key, method, path string, body any) func() harness.Answer {
		return func() harness.Answer { return w.s.As(key).Do(method, path, body) }
	}
	secret := w.s.Key(protocol.Development).Secret
	w.doors = map[string]func() harness.Answer{
		"an invocation":                 keyed(secret, "POST", "/api/v1/jobs/job/invoke", `{}`),
		"an event":                      keyed(secret, "POST", "/api/v1/events", `{"event":{"name":"a"}}`),
		"a registration":                keyed(secret, "POST", "/api/v1/endpoints", protocol.RegisterEndpoint{ID: "app", URL: w.app.URL}),
		"whoami":                        keyed(secret, "GET", "/api/v1/whoami", nil),
		"a list":                        keyed(secret, "GET", "/api/runhook/v1/runs", nil),
		"a stream":                      keyed(secret, "GET", "/api/runhook/v1/live", nil),
		"a task":                        keyed(secret, "POST", "/api/v1/runs/"+w.waiting+"/tasks", `{}`),
		"the end of a task":             keyed(secret, "POST", "/api/v1/runs/"+w.waiting+"/tasks/"+asked.ID+"/complete", `{}`),
		"a status":                      keyed(secret, "PUT", "/api/v1/runs/"+w.waiting+"/statuses/s", `{}`),
		"a value":                       keyed(secret, "PUT", "/api/v1/store/key", `1`),
		"an update of a source":         keyed(secret, "PUT", "/api/v2/app/sources/"+source.Source.Key, `{"options":{"event":["a"]}}`),
		"a run with a public key":       keyed(public, "GET", "/api/v2/runs/"+w.waiting, nil),
		"statuses with a public key":    keyed(public, "GET", "/api/v2/runs/"+w.waiting+"/statuses", nil),
		"a request to an HTTP endpoint": open("POST", listed.HTTPEndpoints[0].URL),
		"a request to a source":         open("POST", source.Source.Channel.URL),
		"a callback of a task":          open("POST", *asked.CallbackURL),
		"an index hook":                 open("POST", endpoints.Endpoints[0].IndexHook),
	}
	w.start(false)
	return w
}

func TestAnEnvironmentThatIsOffTakesAndSendsNothingUntilItIsOnAgain(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		w := newSwitched(t, database)
		for name, enter := range w.doors {
			answer := enter()
			if answer.Status != http.StatusForbidden || !strings.Contains(string(answer.Body), "DEVELOPMENT is switched off") || !strings.Contains(string(answer.Body), "--dev (RUNHOOK_DEV=true)") {
				t.Errorf("%s was answered with %d: %s", name, answer.Status, answer.Body)
			}
		}
		actions := []protocol.Action{protocol.ActionExecuteJob, protocol.ActionIndexEndpoint, protocol.ActionDeliverSource}
		calls := func() (n int) {
			for _, action := range actions {
				n += w.app.Calls(action)
			}
			return n
		}
		before, delivered := calls(), len(w.receiver.Delivered())
		notified := make(chan bool)
		web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { notified <- true }))
		defer web.Close()
		for range 3 { // a run of PRODUCTION passes through every loop meanwhile
			w.s.Clock.Advance(time.Minute)
			production := w.s.As(w.s.Key(protocol.Production).Secret)
			run := production.Invoke("job", `{"options":{"callbackUrl":"`+web.URL+`"}}`)
			<-notified
			production.WaitRun(run, protocol.RunSuccess)
		}
		w.s.Wait("the schedule of PRODUCTION to tick", func() bool { return ticks(w.s, protocol.Production) >= 1 })
		if n := calls() - before; n != 0 {
			t.Errorf("%d calls were made to apps of DEVELOPMENT", n)
		}
		if n := len(w.receiver.Delivered()) - delivered; n != 0 {
			t.Errorf("%d notifications of DEVELOPMENT were sent", n)
		}

		w.start(true)
		development := w.s.Development()
		development.WaitRun(w.delayed, protocol.RunSuccess)
		if got := development.Run(w.waiting).Status; got != protocol.RunWaitingToContinue {
			t.Errorf("the run that waits for its callback is %s", got)
		}
		if answer := w.doors["a callback of a task"](); answer.Status != http.StatusOK {
			t.Errorf("the callback was answered with %d", answer.Status)
		}
		development.WaitRun(w.waiting, protocol.RunSuccess)
		w.receiver.WaitFor(delivered + 1)
		w.s.Clock.Advance(time.Minute)
		w.s.Wait("the schedule to tick again", func() bool { return ticks(w.s, protocol.Development) == 1 })
	})
}

// ticks counts the runs of the schedule in an environment.
func ticks(s *harness.Server, in protocol.EnvironmentType) int {
	var page struct{ Runs []struct{ ID, Status string } }
	s.As(s.Key(in).Secret).OK("GET", "/api/v1/jobs/clock/runs", nil, &page)
	ended := 0
	for _, run := range page.Runs {
		if run.Status == string(protocol.RunSuccess) {
			ended++
		}
	}
	return ended
}
