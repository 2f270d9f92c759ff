package runhook_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/verify"
)

// indexOf is what an app says of itself.
func indexOf(t *testing.T, define func(app *runhook.App)) protocol.Index {
	t.Helper()
	server, app := newApp(t)
	define(app)
	var index protocol.Index
	if err := json.Unmarshal(server.Call(t.Context(), protocol.ActionIndexEndpoint, nil).Body.Bytes(), &index); err != nil {
		t.Fatal(err)
	}
	return index
}

func ignore[Payload any](context.Context, Payload) (none, error) { return none{}, nil }

func TestTriggersAreIndexedAsTheProtocolHasThem(t *testing.T) {
	const examples = `"examples":[{"id":"now","name":"Now","icon":"clock","payload":{"ts":"__CURRENT_DATE__","lastTimestamp":"__CURRENT_DATE__"}}]`
	const tick = `"schema":{"properties":{"lastTimestamp":{"format":"date-time","type":"string"},"ts":{"format":"date-time","type":"string"}},"required":["ts"],"type":"object"},`
	cases := map[string]struct {
		define         func(app *runhook.App)
		trigger, event string
	}{
		"an event": {
			func(c *runhook.App) { runhook.NewJob(c, "j", "1.0.0", runhook.OnEvent[none]("paid"), ignore) },
			`{"type":"static","rule":{"event":"paid","source":"trigger.dev","payload":{}},"title":"paid"}`,
			`{"name":"paid","title":"Event","source":"trigger.dev","icon":"custom-event"}`,
		},
		"one of two events, with filters, from one source": {
			func(c *runhook.App) {
				runhook.NewJob(c, "j", "1.0.0", runhook.OnEvent[none]("paid", runhook.OrEvent("refunded"), runhook.Source("bank"),
					runhook.Where(filter.Object{"amount": filter.AtLeast(100)}), runhook.WhereContext(filter.Raw(`{"t":["v"]}`))), ignore)
			},
			`{"type":"static","rule":{"event":["paid","refunded"],"source":"bank","payload":{"amount":[{"$gte":100}]},"context":{"t":["v"]}},"title":["paid","refunded"]}`,
			`{"name":["paid","refunded"],"title":"Event","source":"bank","icon":"custom-event"}`,
		},
		"an interval": {
			func(c *runhook.App) { runhook.NewJob(c, "j", "1.0.0", runhook.OnInterval(time.Minute), ignore) },
			`{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":60}}}`,
			`{"name":"trigger.scheduled","title":"Schedule","source":"trigger.dev","icon":"schedule-interval","properties":[{"label":"Interval","text":"60s"}],` + tick + examples + `}`,
		},
		"a cron expression": {
			func(c *runhook.App) { runhook.NewJob(c, "j", "1.0.0", runhook.OnCron("0 9 * * 1"), ignore) },
			`{"type":"scheduled","schedule":{"type":"cron","options":{"cron":"0 9 * * 1"}}}`,
			`{"name":"trigger.scheduled","title":"Cron Schedule","source":"trigger.dev","icon":"schedule-cron","properties":[{"label":"cron","text":"0 9 * * 1"}],` + tick + examples + `}`,
		},
		"a dynamic schedule": {
			func(c *runhook.App) {
				runhook.NewJob(c, "j", "1.0.0", runhook.OnSchedule(runhook.NewDynamicSchedule(c, "reminders")), ignore)
			},
			`{"type":"dynamic","id":"reminders"}`,
			`{"name":"trigger.scheduled","title":"Dynamic Schedule","source":"trigger.dev","icon":"schedule-dynamic",` + tick + examples + `}`,
		},
		"an HTTP endpoint": {
			func(c *runhook.App) {
				hook := runhook.NewHTTPEndpoint(c, "git-hub", verify.Nothing, runhook.Name("GitHub"), runhook.Source("github.com"))
				runhook.NewJob(c, "j", "1.0.0", runhook.OnRequest[none](hook, runhook.Where(filter.Request{Method: []string{"POST"}})), ignore)
			},
			`{"type":"static","rule":{"event":"httpendpoint.git-hub","source":"github.com","payload":{"method":["POST"]}},"title":"git-hub","link":"http-endpoints/git-hub",` +
				`"help":{"noRuns":{"link":"http-endpoints/git-hub","text":"Set up whoever is to call this HTTP endpoint"}}}`,
			`{"name":"git-hub","title":"GitHub","source":"github.com","icon":"webhook","examples":[{"id":"basic-request","name":"Basic Request","icon":"webhook",` +
				`"payload":{"url":"https://example.com","method":"POST","headers":{"content-type":"application/json"},"rawBody":"{\"foo\":\"bar\"}"}}]}`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			job := indexOf(t, c.define).Jobs[0]
			event, _ := json.Marshal(job.Event)
			if string(job.Trigger) != c.trigger || string(event) != c.event {
				t.Errorf("trigger\n%s\nevent\n%s, want\n%s\n%s", job.Trigger, event, c.trigger, c.event)
			}
		})
	}
}

func TestSchemasOfPayloadAndOutputAreIndexed(t *testing.T) {
	job := indexOf(t, func(app *runhook.App) {
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[line](), func(context.Context, line) (string, error) { return "", nil })
	}).Jobs[0]
	const want = `{"properties":{"quantity":{"type":"integer"}},"required":["quantity"],"type":"object"}`
	if string(job.Event.Schema) != want || string(job.OutputSchema) != `{"type":"string"}` {
		t.Errorf("schemas %s and %s", job.Event.Schema, job.OutputSchema)
	}
}

func TestDynamicSchedulesAndHTTPEndpointsAreIndexed(t *testing.T) {
	index := indexOf(t, func(app *runhook.App) {
		reminders := runhook.NewDynamicSchedule(app, "reminders")
		runhook.NewDynamicSchedule(app, "unused")
		runhook.NewJob(app, "remind", "2.0.0", runhook.OnSchedule(reminders), ignore)
		runhook.NewHTTPEndpoint(app, "plain", verify.Nothing)
		runhook.NewHTTPEndpoint(app, "answering", verify.Nothing, runhook.Enabled(false), runhook.RespondWith{
			When: filter.Request{Method: []string{"GET"}}, Handler: ok, SkipRuns: true,
		})
	})
	schedules, _ := json.Marshal(index.DynamicSchedules)
	if want := `[{"id":"reminders","jobs":[{"id":"remind","version":"2.0.0"}]},{"id":"unused","jobs":[]}]`; string(schedules) != want {
		t.Errorf("dynamic schedules %s, want %s", schedules, want)
	}
	plain, answering := index.HTTPEndpoints[0], index.HTTPEndpoints[1]
	if plain.ID != "plain" || plain.Version != "1" || !plain.Enabled || plain.Source != "plain" || plain.ImmediateResponseFilter != nil {
		t.Errorf("endpoint %+v", plain)
	}
	if answering.Enabled || string(answering.ImmediateResponseFilter) != `{"method":["GET"]}` || !answering.SkipTriggeringRuns {
		t.Errorf("endpoint %+v", answering)
	}
}

func TestWrongTriggersAreRefusedWhenTheProgramStarts(t *testing.T) {
	_, other := newApp(t)
	cases := map[string]struct {
		define func(app *runhook.App)
		want   string
	}{
		"an event without a name": {func(*runhook.App) { runhook.OnEvent[none]("") }, "runhook.OnEvent: the name is empty"},
		"a filter that is no JSON": {func(*runhook.App) {
			runhook.OnEvent[none]("a", runhook.Where(filter.Object{"a": filter.Is(math.NaN())}))
		}, `runhook.OnEvent("a"): encode the filter as JSON`},
		"two filters": {func(*runhook.App) {
			runhook.OnEvent[none]("a", runhook.Where(filter.Object{}), runhook.Where(filter.Object{}))
		}, "two filters"},
		"no filter":            {func(*runhook.App) { runhook.OnEvent[none]("a", runhook.Where(nil)) }, "a filter is nil"},
		"too short a pause":    {func(*runhook.App) { runhook.OnInterval(19 * time.Second) }, "whole seconds from 20s to 720h0m0s, and 19s is not"},
		"too long a pause":     {func(*runhook.App) { runhook.OnInterval(31 * 24 * time.Hour) }, "744h0m0s is not"},
		"a fraction":           {func(*runhook.App) { runhook.OnInterval(20500 * time.Millisecond) }, "20.5s is not"},
		"no cron expression":   {func(*runhook.App) { runhook.OnCron("") }, "runhook.OnCron: the cron expression is empty"},
		"no dynamic schedule":  {func(*runhook.App) { runhook.OnSchedule(nil) }, "the schedule is nil"},
		"a schedule of nobody": {func(*runhook.App) { runhook.NewDynamicSchedule(nil, "a") }, "the app is nil"},
		"a schedule unnamed":   {func(c *runhook.App) { runhook.NewDynamicSchedule(c, "") }, "the ID is empty"},
		"a schedule twice": {func(c *runhook.App) {
			runhook.NewDynamicSchedule(c, "a")
			runhook.NewDynamicSchedule(c, "a")
		}, "has one with this ID already"},
		"a trigger of another client": {func(c *runhook.App) {
			runhook.NewJob(c, "j", "1.0.0", runhook.OnSchedule(runhook.NewDynamicSchedule(other, "a")), ignore)
		}, "belongs to another client"},
		"no endpoint":             {func(*runhook.App) { runhook.OnRequest[none](nil) }, "the endpoint is nil"},
		"an endpoint of nobody":   {func(*runhook.App) { runhook.NewHTTPEndpoint(nil, "a", verify.Nothing) }, "the app is nil"},
		"an endpoint changed":     {func(c *runhook.App) { runhook.NewHTTPEndpoint(c, "Git Hub", verify.Nothing) }, `use "git-hub"`},
		"a schedule in no path":   {func(c *runhook.App) { runhook.NewDynamicSchedule(c, "a?b") }, "the path of a URL cannot hold"},
		"an endpoint unnamed":     {func(c *runhook.App) { runhook.NewHTTPEndpoint(c, "!", verify.Nothing) }, "the ID needs"},
		"an endpoint for anybody": {func(c *runhook.App) { runhook.NewHTTPEndpoint(c, "a", nil) }, "verify.Nothing"},
		"an endpoint twice": {func(c *runhook.App) {
			runhook.NewHTTPEndpoint(c, "a", verify.Nothing)
			runhook.NewHTTPEndpoint(c, "a", verify.Nothing)
		}, "has one with this ID already"},
		"an answer by nobody": {func(c *runhook.App) {
			runhook.NewHTTPEndpoint(c, "a", verify.Nothing, runhook.RespondWith{SkipRuns: true})
		}, "RespondWith has no Handler"},
		"a bad filter of requests": {func(c *runhook.App) {
			runhook.OnRequest[none](runhook.NewHTTPEndpoint(c, "a", verify.Nothing), runhook.Where(filter.Raw("{")))
		}, `runhook.OnRequest("a"): encode the filter`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, app := newApp(t)
			defer func() {
				if message, _ := recover().(string); !strings.Contains(message, c.want) {
					t.Errorf("panicked with %q, want %q", message, c.want)
				}
			}()
			c.define(app)
		})
	}
}
