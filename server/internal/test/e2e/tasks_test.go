package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// taskDetails is a task as the API returns it with taskdetails.
type taskDetails struct {
	DisplayKey, Icon    *string
	Name, Status        string
	Params, Output      json.RawMessage
	Subtasks            []taskDetails
	StartedAt, ParentID string
	CompletedAt         *string
}

// tasks returns the first tasks of a run at the top.
func (s *stack) tasks(t *testing.T, run string) []taskDetails {
	t.Helper()
	var got struct{ Tasks []taskDetails }
	ask(t, "GET", s.api.url+"/api/v2/runs/"+run+"?subtasks=true&taskdetails=true&take=50", s.apiKey, nil, &got)
	return got.Tasks
}

var taskScenarios = []scenario{
	{"logs are kept once", func(t *testing.T, s *stack) {
		n := s.run(t, "logs-on-every-level", map[string]string{"text": "<hello> \u2028 \U0001F600"})
		wantOutput(t, n, `"logged"`)
		var params []string
		for _, task := range s.tasks(t, n.ID) {
			if task.Name != "log" || task.Status != "COMPLETED" || task.Icon == nil || *task.Icon != "log" {
				t.Errorf("a log became %+v", task)
			}
			params = append(params, string(task.Params))
		}
		if len(params) != 6 {
			t.Fatalf("there are %d logs, want 6: %v", len(params), params)
		}
		wantJSON(t, "the data of the first log", []byte(params[0]), `{"level":"log"}`)
		wantJSON(t, "the data of the second log", []byte(params[1]), `[1,2]`)
		wantJSON(t, "the data of the third log", []byte(params[2]), `{"text":"<hello> \u2028 😀"}`)
		var logged struct{ Name, Message, Stack string }
		if err := json.Unmarshal([]byte(params[4]), &logged); err != nil || logged.Name != "TypeError" || logged.Message != "not a number" || logged.Stack == "" {
			t.Errorf("the logged error is %s", params[4])
		}
	}},
	{"a task has what its options say", func(t *testing.T, s *stack) {
		n := s.run(t, "every-option-of-a-task", nil)
		wantOutput(t, n, `{
			"everything": {
				"nested": {
					"name": "Everything", "icon": "star", "noop": false, "status": "RUNNING", "attempts": 1,
					"description": "A task with every option",
					"params": {"list": [1, {"deep": true}], "nothing": null},
					"properties": [
						{"label": "Plain", "text": "text"},
						{"label": "Linked", "text": "text", "url": "https://example.com/a?b=c&d=<e>", "imageUrl": ["https://example.com/i.png"]}
					],
					"style": {"style": "minimal", "variant": "info"}
				},
				"secret": "not hidden from code"
			},
			"plain": {"name": "Task", "style": {"style": "normal"}},
			"noop": null
		}`)
		s.wantCounts(t, n.ID, map[string]int{"everything": 1, "plain": 1})
		tasks := s.tasks(t, n.ID)
		if len(tasks) != 3 || tasks[0].Name != "Everything" || *tasks[0].DisplayKey != "everything" || tasks[1].DisplayKey != nil || tasks[2].Status != "COMPLETED" {
			t.Errorf("the API returns %+v", tasks)
		}
		shown := decodedObject(t, tasks[0].Output)
		if shown["secret"] != "[REDACTED]" || shown["nested"] == nil {
			t.Errorf("the API shows the output %s, want its secret redacted", tasks[0].Output)
		}
	}},
	{"outputs are remembered as they were", func(t *testing.T, s *stack) {
		n := s.run(t, "outputs-of-tasks", nil)
		wantStatus(t, n, "SUCCESS")
		var outputs struct{ Fresh, Remembered, Wanted map[string]string }
		if err := json.Unmarshal(n.Output, &outputs); err != nil {
			t.Fatalf("the output %s: %v", n.Output, err)
		}
		if len(outputs.Wanted) != 17 {
			t.Errorf("there are %d outputs, want 17", len(outputs.Wanted))
		}
		for name, want := range outputs.Wanted {
			if outputs.Fresh[name] != want || outputs.Remembered[name] != want {
				t.Errorf("the output %q is %s at first and %s when remembered, want %s", name, outputs.Fresh[name], outputs.Remembered[name], want)
			}
			s.wantCalled(t, n.ID, 1, name)
		}
	}},
	{"a run's output may be any value", func(t *testing.T, s *stack) {
		wanted := map[string]string{
			"null": "null", "zero": "0", "false": "false", "empty string": `""`, "empty array": "[]", "date": `"2024-02-29T12:34:56.789Z"`,
			"a zero byte": `"a\u0000b"`, "half a surrogate pair": `"\ud800"`, "nested nothing": `{"a":null,"b":[null,null]}`,
		}
		for value, run := range s.invokeEach(t, "output-of-a-run", "value", slices.Collect(maps.Keys(wanted))) {
			n := s.webhooks.await(t, run)
			wantStatus(t, n, "SUCCESS")
			wantJSON(t, "the output "+value, n.Output, wanted[value])
		}
		if n := s.run(t, "output-of-a-run", map[string]string{"value": "absent"}); !n.OK || n.Output != nil {
			t.Errorf("the output of a run that returned nothing is %s (%s), want none", n.Output, n.Status)
		}
	}},
	{"dates become text in outputs and stay dates in the context", func(t *testing.T, s *stack) {
		n := s.run(t, "dates", map[string]string{"date": "2024-01-02T03:04:05.678+09:00"})
		wantOutput(t, n, `{
			"task": "1970-01-01T00:00:00.000Z", "own": "1970-01-02T00:00:00.000Z", "payload": "2024-01-02T03:04:05.678+09:00",
			"eventTimestampIsADate": true, "startedAtIsADate": true
		}`)
		s.wantCalled(t, n.ID, 1, "date")
	}},
	{"finished tasks below an unfinished one are not repeated", func(t *testing.T, s *stack) {
		n := s.run(t, "nested-tasks", nil)
		wantOutput(t, n, `{"result": {"first": {"deep": {"below": true}, "below": true}, "second": "second"}, "own": "own"}`)
		s.wantCounts(t, n.ID, map[string]int{"child": 1, "grandchild": 1, "sibling": 1, "child at the top": 1})
		tasks := s.tasks(t, n.ID)
		if len(tasks) != 2 || len(tasks[0].Subtasks) != 2 || len(tasks[0].Subtasks[0].Subtasks) != 1 {
			t.Errorf("the API returns %+v", tasks)
		}
	}},
	{"a key can be used once", func(t *testing.T, s *stack) {
		n := s.run(t, "the-same-key-twice", nil)
		wantFailure(t, n, `Task with cacheKey "one" has already been executed in this run. Each task must have a unique cacheKey.`, "")
	}},
	{"random numbers are drawn once", func(t *testing.T, s *stack) {
		n := s.run(t, "random-numbers", nil)
		wantStatus(t, n, "SUCCESS")
		var drawn struct{ Before, Numbers []float64 }
		if err := json.Unmarshal(n.Output, &drawn); err != nil {
			t.Fatalf("the output %s: %v", n.Output, err)
		}
		d := drawn.Numbers
		if !slices.Equal(drawn.Before, d) || len(d) != 3 || d[0] < 0 || d[0] >= 1 || d[1] < 5 || d[1] >= 6 || d[2] < 10 || d[2] > 20 || d[2] != float64(int(d[2])) {
			t.Errorf("the numbers are %s", n.Output)
		}
	}},
	{"statuses change and keep their history", func(t *testing.T, s *stack) {
		n := s.run(t, "statuses", nil)
		wantOutput(t, n, `"done"`)
		s.wantCalled(t, n.ID, 1, "work")
		const first = `{"progress": 0.1, "ready": [], "odd": "<&> \u2028 😀"}`
		want := `[
			{"key": "images", "label": "Made images", "state": "success", "data": {"progress": 1, "nothing": null}, "history": [
				{"label": "Making images", "state": "loading", "data": ` + first + `},
				{"label": "Making images", "state": "loading", "data": {"progress": 0.5}},
				{"label": "Made images", "state": "success", "data": {"progress": 1, "nothing": null}}
			]},
			{"key": "bare", "label": "Only a label", "history": []}
		]`
		notified, err := json.Marshal(n.Progress)
		if err != nil {
			t.Fatal(err)
		}
		wantJSON(t, "the statuses in the notification", notified, want)
		var got struct {
			Run      struct{ ID, Status, Output string }
			Statuses json.RawMessage
		}
		s.app.mustClient(t, &got, "getRunStatuses", n.ID)
		wantJSON(t, "the statuses that the client gets", got.Statuses, want)
		if got.Run.ID != n.ID || got.Run.Status != "SUCCESS" || got.Run.Output != "done" {
			t.Errorf("the run of the statuses is %+v", got.Run)
		}
	}},
	{"text may have any character", func(t *testing.T, s *stack) {
		for _, text := range []string{"\x01 \x7f", "\u2028 <&> 😀", "'; -- \" \\ %s $1 ?"} {
			run := s.invoke(t, "odd-text", invocation{payload: map[string]string{"text": text}, accountID: text})
			n := s.webhooks.await(t, run)
			if !wantStatus(t, n, "SUCCESS") {
				continue
			}
			wantSame(t, "output", n.Output, map[string]string{"output": text, "caught": "caught"})
			s.wantCounts(t, run, map[string]int{"odd": 1, "fails": 1})
			if len(n.Progress) != 1 || n.Progress[0].Label != text || n.Account == nil || n.Account.ID != text {
				t.Errorf("the statuses are %+v and the account %+v", n.Progress, n.Account)
			}
		}
	}},
}
