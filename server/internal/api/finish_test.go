package api_test

import (
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// finisher has an open run to complete and fail tasks of.
type finisher struct {
	t   *testing.T
	c   *harness.Client
	run string
}

func (f finisher) task(key string) string {
	return f.c.CreateTask(f.run, protocol.CreateTask{IdempotencyKey: key}).ID
}

func (f finisher) complete(id, body string, headers ...string) harness.Answer {
	return f.c.Do("POST", "/api/v1/runs/"+f.run+"/tasks/"+id+"/complete", body, headers...)
}

func (f finisher) fail(id, body string) harness.Answer {
	return f.c.Do("POST", "/api/v1/runs/"+f.run+"/tasks/"+id+"/fail", body)
}

func finishing(test func(t *testing.T, f finisher)) func(*testing.T, *harness.Server, *harness.App) {
	return func(t *testing.T, s *harness.Server, app *harness.App) {
		test(t, finisher{t, s.Development(), openRun(s, app)})
	}
}

func TestCompletingATask(t *testing.T) {
	t.Parallel()
	serialized := []string{"Trigger-Version", "2023-11-01"}
	harness.RunCases(t, harness.Cases{
		"keeps the JSON that its text holds": finishing(func(t *testing.T, f finisher) {
			for i, c := range []struct{ body, want string }{
				{`{"output":"{\"v\":1}"}`, `{"v":1}`}, {`{"output":"null"}`, `null`}, {`{"output":"0"}`, `0`}, {`{"output":"\"\""}`, `""`},
				{`{"output":"false"}`, `false`}, {`{"output":"12345678901234567890"}`, `12345678901234567890`},
				{`{}`, ""}, {`{"output":""}`, ""},
			} {
				answer := f.complete(f.task(string(rune('a'+i))), c.body, serialized...)
				checkStatus(t, answer, 200)
				checkMember(t, answer, "status", `"COMPLETED"`)
				checkMember(t, answer, "output", c.want)
				if _, found := answer.Header["Trigger-Version"]; found {
					t.Error("the answer has a version header")
				}
			}
		}),
		"without the version keeps the JSON itself": finishing(func(t *testing.T, f finisher) {
			for i, value := range []string{`{"v":1}`, `null`, `0`, `""`, `false`, `"{}"`} {
				answer := f.complete(f.task(string(rune('a'+i))), `{"output":`+value+`}`)
				checkStatus(t, answer, 200)
				checkMember(t, answer, "output", value)
			}
		}),
		"refuses text that is not JSON and leaves it open": finishing(func(t *testing.T, f finisher) {
			id := f.task("a")
			for _, body := range []string{`{"output":"{"}`, `{"output":"undefined"}`, `{"output":"1 2"}`, `{"output":{"v":1}}`, `{"output":null}`} {
				checkStatus(t, f.complete(id, body, serialized...), 400)
			}
			checkMember(t, f.complete(id, `{"output":"1"}`, serialized...), "output", "1")
		}),
		"takes 3 MiB and refuses a byte more": finishing(func(t *testing.T, f finisher) {
			id := f.task("a")
			text := func(bytes int) string { return strings.Repeat("x", bytes-2) }
			answer := f.complete(id, `{"output":"\"`+text(3<<20+1)+`\""}`, serialized...)
			checkStatus(t, answer, 400)
			checkMember(t, answer, "error", `"Output must be less than 3MB"`)
			checkStatus(t, f.complete(id, `{"output":"`+text(3<<20+1)+`"}`), 400)
			checkStatus(t, f.complete(id, `{"output":"\"`+text(3<<20)+`\""}`, serialized...), 200)
		}),
		"counts characters, not bytes": finishing(func(t *testing.T, f finisher) {
			checkStatus(t, f.complete(f.task("a"), `{"output":"\"`+strings.Repeat("é", 2<<20)+`\""}`, serialized...), 200)
		}),
		"that has ended leaves it as it is": finishing(func(t *testing.T, f finisher) {
			id := f.task("a")
			f.complete(id, `{"output":"1"}`, serialized...)
			checkMember(t, f.complete(id, `{"output":"2"}`, serialized...), "output", "1")
			checkMember(t, f.fail(id, `{"error":{"message":"late"}}`), "status", `"COMPLETED"`)
			checkMember(t, f.fail(id, `{"error":{"message":"late"}}`), "attempts", "1")
		}),
		"works for one that waits": finishing(func(t *testing.T, f finisher) {
			id := f.c.CreateTask(f.run, protocol.CreateTask{IdempotencyKey: "w", Callback: &protocol.Callback{Enabled: true}}).ID
			checkMember(t, f.complete(id, `{"output":"1"}`, serialized...), "status", `"COMPLETED"`)
		}),
		"of a canceled run says so": finishing(func(t *testing.T, f finisher) {
			id := f.task("a")
			f.c.OK("POST", "/api/v1/runs/"+f.run+"/cancel", nil, nil)
			answer := f.complete(id, `{"output":"1"}`, serialized...)
			checkStatus(t, answer, 200)
			checkMember(t, answer, "status", `"CANCELED"`)
		}),
		"keeps what is to be shown of it": finishing(func(t *testing.T, f finisher) {
			answer := f.complete(f.task("a"), `{"output":"1","properties":[{"label":"L","text":"T","url":"https://example.com"}],"description":"ignored","params":{"x":1}}`, serialized...)
			checkMember(t, answer, "outputProperties", `[{"label":"L","text":"T","url":"https://example.com"}]`)
		}),
	})
}

func TestFailingATask(t *testing.T) {
	t.Parallel()
	cases := harness.Cases{
		"without an error is refused": finishing(func(t *testing.T, f finisher) {
			id := f.task("a")
			checkStatus(t, f.fail(id, `{}`), 400)
			checkMember(t, f.fail(id, `{"error":{"message":"m"}}`), "output", `{"message":"m"}`)
		}),
	}
	for name, c := range map[string]struct{ given, kept string }{
		"with an error keeps it whole":     {`{"message":"m","name":"N","stack":"s","cause":[1]}`, `{"message":"m","name":"N","stack":"s","cause":[1]}`},
		"with text makes it the message":   {`"out of paper"`, `{"message":"out of paper"}`},
		"with an object shows it as text":  {`{"code":5}`, `{"message":"{\"code\":5}"}`},
		"with a number shows it as text":   {`5`, `{"message":"5"}`},
		"with null has something to show":  {`null`, `{"message":"Unknown error"}`},
		"with a list shows it as text":     {`["a"]`, `{"message":"[\"a\"]"}`},
		"with a message that is no text":   {`{"message":7}`, `{"message":"{\"message\":7}"}`},
		"with a message that is null":      {`{"message":null}`, `{"message":"{\"message\":null}"}`},
		"with an empty message keeps that": {`{"message":""}`, `{"message":""}`},
	} {
		cases[name] = finishing(func(t *testing.T, f finisher) {
			answer := f.fail(f.task("a"), `{"error":`+c.given+`}`)
			checkStatus(t, answer, 200)
			checkMember(t, answer, "status", `"ERRORED"`)
			checkMember(t, answer, "output", c.kept)
		})
	}
	harness.RunCases(t, cases)
}
