package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestABodyThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		for _, r := range w.routes() {
			if r.body == "" {
				continue
			}
			for what, body := range map[string]string{
				"nothing": "", "spaces": " \n", "cut off": r.body[:len(r.body)-1], "a word": "yes", "two values": r.body + r.body, "a trailing comma": `{"a":1,}`,
				"single quotes": "{'a':1}", "not UTF-8": "{\"a\":\"\xff\xfe\"}", "UTF-16": "\xff\xfe{\x00}\x00", "NUL": "{\x00}",
				"a list": "[]", "a list of it": "[" + r.body + "]", "text": `"text"`, "a number": "5", "true": "true", "null": "null",
				"very deep": strings.Repeat("[", 200_000),
			} {
				bad := r
				bad.body = body
				answer := bad.ask(w.s, w.s.Key(protocol.Development).Secret)
				if answer.Status != http.StatusBadRequest || answer.Error() == "" {
					t.Errorf("%s with %s answered %d: %.300s", r, what, answer.Status, answer.Body)
				}
			}
		}
	})
}

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		large := `{"output":"` + strings.Repeat("x", 16<<20) + `"}`
		for _, r := range w.routes() {
			if r.body == "" {
				continue
			}
			r.body = large
			checkRefused(t, r, r.ask(w.s, w.s.Key(protocol.Development).Secret), http.StatusRequestEntityTooLarge)
		}
		checkRefused(t, route{path: "a callback"}, w.s.As("").Do("POST", w.hook[len(w.s.URL):], large), http.StatusRequestEntityTooLarge)
	})
}

func TestAMemberOfTheWrongTypeIsRefused(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		run := "/api/v1/runs/" + w.run
		for path, bodies := range map[string][]string{
			"POST /api/v1/endpoints": {`{}`, `{"id":"","url":"http://127.0.0.1/"}`, `{"id":5,"url":"http://127.0.0.1/"}`, `{"id":"app"}`, `{"id":"app","url":5}`,
				`{"id":"app","url":""}`, `{"id":"app","url":"/api/trigger"}`, `{"id":"app","url":"example.com"}`, `{"id":"app","url":"ftp://example.com"}`,
				`{"id":"app","url":"http://"}`, `{"id":"app","url":"http://a b"}`, `{"id":"app","url":"http://user:secret@127.0.0.1/"}`, `{"id":"app","url":"http://127.0.0.1:99999/"}`,
				`{"id":"app","url":"http://[::1"}`, `{"id":"app","url":"` + strings.Repeat("http://127.0.0.1/", 1000) + `"}`, `{"id":"a\u0000b","url":"` + w.app.URL + `"}`, `{"id":"\ude00 cut","url":"` + w.app.URL + `"}`},
			"POST /api/v1/jobs/job/invoke": {`{"options":[]}`, `{"options":"x"}`, `{"options":{"accountId":5}}`, `{"options":{"callbackUrl":5}}`, `{"options":{"accountId":"a\u0000b"}}`, `{"options":{"accountId":"cut \ud83d"}}`,
				`{"options":{"callbackUrl":"not a URL"}}`, `{"options":{"callbackUrl":"/relative"}}`, `{"options":{"callbackUrl":"gopher://127.0.0.1/"}}`, `{"options":{"callbackUrl":"http://a:b@127.0.0.1/"}}`,
				`{"options":{"callbackUrl":"http://127.0.0.1/\u0000"}}`},
			"PUT " + run + "/statuses/key": {`{"label":5}`, `{"label":null}`, `{"state":null}`, `{"state":""}`, `{"state":"unknown"}`, `{"state":{}}`, `{"data":5}`, `{"data":[]}`},
			"POST " + run + "/logs":        {`{}`, `{"level":"INFO"}`, `{"level":"LOUD","message":"m"}`, `{"level":"INFO","message":5}`},
			"POST " + run + "/tasks": {`{}`, `{"idempotencyKey":5}`, `{"idempotencyKey":"k","noop":"yes"}`, `{"idempotencyKey":"k","name":5}`, `{"idempotencyKey":"k","delayUntil":"soon"}`,
				`{"idempotencyKey":"k","delayUntil":1e300}`, `{"idempotencyKey":"k","properties":{}}`, `{"idempotencyKey":"k","properties":[{"label":5}]}`, `{"idempotencyKey":"k","style":"minimal"}`,
				`{"idempotencyKey":"k","style":{"style":"loud"}}`, `{"idempotencyKey":"k","callback":true}`, `{"idempotencyKey":"k","callback":{"enabled":"yes"}}`,
				`{"idempotencyKey":"k","operation":"explode"}`, `{"idempotencyKey":"k","redact":{"paths":"a"}}`,
				`{"idempotencyKey":"k","redact":{"paths":["a"` + strings.Repeat(`,"a"`, 1000) + `]}}`, `{"idempotencyKey":"k","redact":{"paths":["` + strings.Repeat("a.", 33_000) + `a"]}}`, `{"idempotencyKey":"k","retry":5}`, `{"idempotencyKey":"k","parallel":1}`,
				`{"idempotencyKey":"k","parentId":5}`, `{"idempotencyKey":"k","parentId":null}`},
			"POST " + run + "/tasks/" + w.task + "/complete": {`{"properties":5}`, `{"properties":[{"text":5}]}`},
			"POST " + run + "/tasks/" + w.task + "/fail":     {`{}`, `{"message":"m"}`},
		} {
			method, path, _ := strings.Cut(path, " ")
			for _, body := range bodies {
				r := route{method: method, path: path, body: body}
				headers := []string{protocol.HeaderVersion, protocol.VersionSerializedOutput}
				answer := r.ask(w.s, w.s.Key(protocol.Development).Secret, headers...)
				if answer.Status != http.StatusBadRequest || answer.Error() == "" {
					t.Errorf("%s with %.200s answered %d: %.300s", r, body, answer.Status, answer.Body)
				}
			}
		}
		missing := w.s.Development().Do("POST", run+"/tasks", `{"idempotencyKey":"k"}`)
		checkRefused(t, route{path: "a task without a key"}, missing, http.StatusBadRequest)
		if missing.Error() != "Invalid or Missing idempotency key" {
			t.Errorf("the error is %q", missing.Error())
		}
	})
}

func TestATextThatTheDatabaseCannotKeepIsRefused(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		key := w.s.Key(protocol.Development).Secret
		for _, bad := range []string{"%ff", "%c3%28", "%ed%a0%80"} {
			for _, r := range w.routes() {
				for _, id := range []string{w.run, w.task, w.notification, "/job/", "/key", "index_1"} {
					if strings.Contains(r.path, id) {
						asked := r
						asked.path = strings.Replace(r.path, strings.Trim(id, "/"), bad, 1)
						if id == "/job/" {
							asked.path = strings.Replace(r.path, id, "/"+bad+"/", 1)
						}
						answer := asked.ask(w.s, key)
						if answer.Status != http.StatusNotFound && answer.Status != http.StatusBadRequest {
							t.Errorf("%s answered %d: %.200s", asked, answer.Status, answer.Body)
						}
					}
				}
			}
			for _, query := range []string{"/api/v1/jobs/job/runs?cursor=", "/api/v2/runs/" + w.run + "?cursor=", "/api/runhook/v1/notifications?cursor=", "/api/runhook/v1/notifications?run=", "/api/runhook/v1/notifications?status="} {
				if answer := w.s.Development().Do("GET", query+bad, nil); answer.Status >= 500 {
					t.Errorf("%s answered %d: %.200s", query+bad, answer.Status, answer.Body)
				}
			}
		}
		for _, header := range []string{"a\xffb", "\xed\xa0\x80"} {
			for _, path := range []string{"/api/v1/jobs/job/invoke", "/api/v1/runs/" + w.run + "/tasks"} {
				answer := w.s.Development().Do("POST", path, `{"idempotencyKey":"k"}`, protocol.HeaderIdempotencyKey, header)
				checkRefused(t, route{method: "POST", path: path}, answer, http.StatusBadRequest)
			}
		}
	})
}

func TestATextThatIsNoUnicodeIsRefusedByTheNameOfItsMember(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		for _, odd := range []string{`cut \ud83d`, `\ude00 cut`, `a\u0000b`} {
			for member, asked := range map[string][2]string{
				"options.accountId": {"/api/v1/jobs/job/invoke", `{"options":{"accountId":"` + odd + `"}}`},
				"id":                {"/api/v1/endpoints", `{"id":"` + odd + `","url":"` + w.app.URL + `"}`},
			} {
				answer := w.s.Development().Do("POST", asked[0], asked[1])
				if answer.Status != http.StatusBadRequest || !strings.HasPrefix(answer.Error(), "Invalid request body: "+member+" has the character U+0000 or half of a surrogate pair") {
					t.Errorf("%s with %s answered %d: %s", asked[0], asked[1], answer.Status, answer.Body)
				}
			}
		}
	})
}

func TestAJobThatCannotBeInvokedIsNot(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		answer := w.s.Development().Do("POST", "/api/v1/jobs/unknown/invoke", `{}`)
		checkRefused(t, route{path: "an unknown job"}, answer, http.StatusNotFound)
		if !strings.HasPrefix(answer.Error(), "Job not found") {
			t.Errorf("the error is %q", answer.Error())
		}
	})
	s := harness.Start(t, harness.Options{})
	app := harness.NewApp(t, s)
	app.SetIndex(harness.Index(harness.DisabledJob(harness.JobID, harness.JobVersion)))
	app.Register(s.Development(), "app")
	answer := s.Development().Do("POST", "/api/v1/jobs/job/invoke", `{}`)
	checkRefused(t, route{path: "a disabled job"}, answer, http.StatusBadRequest)
	checkMember(t, s.Development().Do("GET", "/api/v1/jobs/job/runs", nil), "runs", "[]")
}

func TestAnAddressThatMayNotBeCalledIsRefused(t *testing.T) {
	t.Parallel()
	unchanged(t, func(t *testing.T, w world) {
		production := w.s.As(w.s.Key(protocol.Production).Secret)
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"} {
			for _, r := range []route{
				{method: "POST", path: "/api/v1/jobs/job/invoke", body: `{"options":{"callbackUrl":"http://` + host + `/done"}}`},
				{method: "POST", path: "/api/v1/endpoints", body: `{"id":"app","url":"http://` + host + `/api/trigger"}`},
			} {
				answer := production.Do(r.method, r.path, r.body)
				checkRefused(t, route{method: r.method, path: r.body}, answer, http.StatusBadRequest)
				// What is no address in any spelling has nothing that could be allowed.
				if !strings.Contains(answer.Error(), "RUNHOOK_EGRESS_ALLOW") && host != "2130706433" && host != "0x7f.1" {
					t.Errorf("the error for %s does not say how to allow it: %s", host, answer.Error())
				}
			}
		}
		metadata := w.s.Development().Do("POST", "/api/v1/jobs/job/invoke", `{"options":{"callbackUrl":"http://169.254.169.254/latest"}}`)
		checkRefused(t, route{path: "metadata from DEVELOPMENT"}, metadata, http.StatusBadRequest)
	})
}
