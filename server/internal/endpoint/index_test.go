package endpoint_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// job is a well-formed job. Each change is the path of a member and its JSON;
// an empty JSON removes it.
func job(changes ...string) string {
	members := []string{
		"id", `"hello"`, "name", `"Hello"`, "version", `"1.0.0"`, "enabled", "true", "preprocessRuns", "false",
		"startPosition", `"latest"`, "integrations", "{}",
		"event", `{"name":"greet","title":"Greet","source":"trigger.dev","icon":"bolt"}`,
		"trigger", `{"type":"static","title":"greet","rule":{"event":"greet","source":"trigger.dev"}}`,
	}
	values := map[string]string{}
	var order []string
	for i := 0; i < len(members); i += 2 {
		values[members[i]] = members[i+1]
		order = append(order, members[i])
	}
	for i := 0; i < len(changes); i += 2 {
		if _, known := values[changes[i]]; !known {
			order = append(order, changes[i])
		}
		values[changes[i]] = changes[i+1]
	}
	var parts []string
	for _, name := range order {
		if values[name] != "" {
			parts = append(parts, fmt.Sprintf("%q:%s", name, values[name]))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func index(jobs ...string) string {
	return `{"jobs":[` + strings.Join(jobs, ",") + `],"sources":[],"webhooks":[],"dynamicTriggers":[],"dynamicSchedules":[],"httpEndpoints":[]}`
}

func TestIndexReturnsTheDocument(t *testing.T) {
	body := index(
		job(),
		job("id", `"cron"`, "trigger", `{"type":"scheduled","schedule":{"type":"cron","options":{"cron":"0 * * * *"}}}`),
		job("id", `"interval"`, "trigger", `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":60}}}`),
		job("id", `"dynamic"`, "trigger", `{"type":"dynamic","id":"d"}`),
		job("id", `"invoked"`, "trigger", `{"type":"invoke"}`, "concurrencyLimit", "5", "internal", "true"),
		job("id", `"grouped"`, "concurrencyLimit", `{"id":"g","limit":2}`, "integrations", "null"),
		job("id", `"several"`, "trigger", `{"type":"static","title":["a","b"],"rule":{"event":["a","b"],"source":"s","payload":{"a":[1]}}}`),
		job("version", `"1.0.1"`),
	)
	a := newApp(t, answering(200, body, "Trigger-Version", "2023-09-29"))
	result, err := client(t).Index(context.Background(), a.target())
	if err != nil {
		t.Fatal(err)
	}
	if string(result.Raw) != body || result.NewURL != "" || result.Versions.Protocol != "2023-09-29" {
		t.Errorf("new URL %q, versions %+v, raw %s", result.NewURL, result.Versions, result.Raw)
	}
	jobs := result.Document.Jobs
	if len(jobs) != 8 || jobs[0].ID != "hello" || !jobs[0].Enabled || jobs[0].Event.Title != "Greet" || !jobs[4].Internal {
		t.Errorf("jobs %+v", jobs)
	}
	if sent := a.asked()[0]; sent.header.Get("X-Trigger-Action") != "INDEX_ENDPOINT" || sent.body != "" || sent.header.Get("Content-Type") != "" {
		t.Errorf("sent %+v", sent)
	}
}

func TestIndexListsWhatIsWrongWithEachJob(t *testing.T) {
	tests := []struct {
		name  string
		jobs  []string
		lines []string
	}{
		{"a job without an identifier is named by its place", []string{job(), job("id", "")}, []string{`- Job number 2: missing value at "id".`}},
		{"a job that is no object", []string{"7"}, []string{`- Job number 1: expected an object, got the number.`}},
		{"a missing name", []string{job("name", "")}, []string{`- Job "hello": missing value at "name".`}},
		{"an empty name", []string{job("name", `""`)}, []string{`- Job "hello": empty value at "name".`}},
		{"a version of two numbers", []string{job("version", `"1.0"`)}, []string{`- Job "hello": expected three numbers such as 1.0.0, got "1.0" at "version".`}},
		{"a missing enabled", []string{job("enabled", "")}, []string{`- Job "hello": missing value at "enabled".`}},
		{"an enabled that is a string", []string{job("enabled", `"yes"`)}, []string{`- Job "hello": expected true or false, got a string at "enabled".`}},
		{"an unknown start position", []string{job("startPosition", `"middle"`)}, []string{`- Job "hello": expected one of ["initial" "latest"], got "middle" at "startPosition".`}},
		{"a missing event", []string{job("event", "")}, []string{`- Job "hello": missing value at "event".`}},
		{"an event without a title", []string{job("event", `{"name":["a"],"source":"s","icon":"i"}`)}, []string{`- Job "hello": missing value at "event.title".`}},
		{"an event named by a number", []string{job("event", `{"name":1,"title":"t","source":"s","icon":"i"}`)}, []string{`- Job "hello": expected a string, got the number at "event.name".`}},
		{"a missing trigger", []string{job("trigger", "null")}, []string{`- Job "hello": expected an object, got null at "trigger".`}},
		{"an unknown trigger", []string{job("trigger", `{"type":"magic"}`)}, []string{`- Job "hello": expected one of ["static" "scheduled" "dynamic" "invoke"], got "magic" at "trigger.type".`}},
		{"a static trigger without a rule", []string{job("trigger", `{"type":"static","title":"t"}`)}, []string{`- Job "hello": missing value at "trigger.rule".`}},
		{"a rule without a source", []string{job("trigger", `{"type":"static","title":"t","rule":{"event":"e"}}`)}, []string{`- Job "hello": missing value at "trigger.rule.source".`}},
		{"a schedule without an expression", []string{job("trigger", `{"type":"scheduled","schedule":{"type":"cron","options":{}}}`)}, []string{`- Job "hello": missing value at "trigger.schedule.options.cron".`}},
		{"a schedule of an unknown kind", []string{job("trigger", `{"type":"scheduled","schedule":{"type":"moon"}}`)}, []string{`- Job "hello": expected one of ["interval" "cron"], got "moon" at "trigger.schedule.type".`}},
		{"an interval of nothing", []string{job("trigger", `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":0}}}`)}, []string{`- Job "hello": expected a number from 20 to 2592000, got 0 at "trigger.schedule.options.seconds".`}},
		{"too short an interval", []string{job("trigger", `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":19}}}`)}, []string{`- Job "hello": expected a number from 20 to 2592000, got 19 at "trigger.schedule.options.seconds".`}},
		{"too long an interval", []string{job("trigger", `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":2592001}}}`)}, []string{`- Job "hello": expected a number from 20 to 2592000, got 2592001 at "trigger.schedule.options.seconds".`}},
		{"an interval of half seconds", []string{job("trigger", `{"type":"scheduled","schedule":{"type":"interval","options":{"seconds":20.5}}}`)}, []string{`- Job "hello": expected a whole number, got the number 20.5 at "trigger.schedule.options.seconds".`}},
		{"a wrong cron expression", []string{job("trigger", `{"type":"scheduled","schedule":{"type":"cron","options":{"cron":"60 * * * *"}}}`)}, []string{`- Job "hello": "60 * * * *" is not a cron expression: minutes: 60 is not from 0 to 59 at "trigger.schedule.options.cron".`}},
		{"a dynamic trigger without an identifier", []string{job("trigger", `{"type":"dynamic"}`)}, []string{`- Job "hello": missing value at "trigger.id".`}},
		{"a concurrency limit of nothing", []string{job("concurrencyLimit", "0")}, []string{`- Job "hello": expected a number greater than zero, got 0 at "concurrencyLimit".`}},
		{"a concurrency group without a limit", []string{job("concurrencyLimit", `{"id":"g"}`)}, []string{`- Job "hello": missing value at "concurrencyLimit.limit".`}},
		{"the same job twice", []string{job(), job()}, []string{`- Job "hello": version 1.0.0 of this job is defined more than once at "id".`}},
		{"several things wrong with several jobs", []string{job("name", "", "enabled", ""), job("id", `"other"`, "version", "1")},
			[]string{`- Job "hello": missing value at "name".`, `- Job "hello": missing value at "enabled".`, `- Job "other": expected a string, got the number at "version".`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t, answering(200, index(test.jobs...)))
			_, err := client(t).Index(context.Background(), a.target())
			want := "Your Jobs have issues:\n" + strings.Join(test.lines, "\n")
			if failure := asError(t, err); failure.Message != want {
				t.Errorf("got  %s\nwant %s", failure.Message, want)
			}
		})
	}
}

func TestIndexExplainsWhatWentWrong(t *testing.T) {
	tests := []struct {
		name    string
		status  int
		body    string
		message string
	}{
		{"401 with a message", 401, `{"message":"Unauthorized: client missing apiKey"}`, "Unauthorized: client missing apiKey"},
		{"401 without one", 401, "", "Trigger API key is invalid"},
		{"404", 404, "", "Status code: 404"},
		{"a page", 200, page, unparsable},
		{"null", 200, "null", "expected an object, got null"},
		{"no jobs", 200, `{"sources":[]}`, `responded with error: missing value at "jobs"`},
		{"jobs that are no array", 200, `{"jobs":{}}`, `responded with error: expected an array, got an object at "jobs"`},
		{"sources that are no array", 200, `{"jobs":[],"sources":7}`, `responded with error: expected an array, got the number at "sources"`},
		{"too much", 200, `{"jobs":[` + strings.Repeat(" ", 11<<20) + `]}`, "more than 10 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newApp(t, answering(test.status, test.body))
			_, err := client(t).Index(context.Background(), a.target())
			if failure := asError(t, err); !strings.Contains(failure.Message, test.message) {
				t.Errorf("got %q, want %q", failure.Message, test.message)
			}
		})
	}
}

func TestAnIndexFullOfIssuesIsCut(t *testing.T) {
	a := newApp(t, answering(200, index(strings.Split(strings.Repeat("7 ", 500), " ")[:500]...)))
	_, err := client(t).Index(context.Background(), a.target())
	lines := strings.Split(asError(t, err).Message, "\n")
	if len(lines) != 102 || lines[101] != "- ... and more." {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}
