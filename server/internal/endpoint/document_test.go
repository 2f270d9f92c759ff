package endpoint_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/model"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func TestAnAnswerMayBePackedOrHaveAByteOrderMark(t *testing.T) {
	const answer = `{"status":"SUCCESS","output":"grün"}`
	for name, a := range map[string]*app{
		"gzip":                        newApp(t, answering(200, gzipped(t, answer), "Content-Encoding", "gzip")),
		"a byte-order mark":           newApp(t, answering(200, "\ufeff"+answer)),
		"gzip with a byte-order mark": newApp(t, answering(200, gzipped(t, "\ufeff"+answer), "Content-Encoding", "gzip")),
	} {
		outcome := execute(t, a)
		if outcome.Kind != endpoint.Answered || string(outcome.Result.Output) != `"grün"` {
			t.Errorf("%s: %s %v", name, outcome.Kind, outcome.Error)
		}
	}
	refusal := newApp(t, answering(400, gzipped(t, "\ufeff"+`{"message":"no","name":"TypeError"}`), "Content-Encoding", "gzip"))
	if outcome := execute(t, refusal); outcome.Kind != endpoint.Failed || outcome.Error.Message != "no" {
		t.Errorf("an error in gzip: %s %v", outcome.Kind, outcome.Error)
	}
	index := `{"jobs":[],"sources":[],"dynamicTriggers":[],"dynamicSchedules":[]}`
	indexed, err := client(t).Index(context.Background(), newApp(t, answering(200, gzipped(t, "\ufeff"+index), "Content-Encoding", "gzip")).target())
	if err != nil || string(indexed.Raw) != index {
		t.Errorf("an index in gzip: %q %v", indexed.Raw, err)
	}
}

func TestAnAnswerThatUnpacksToTooMuchIsCutOff(t *testing.T) {
	bomb := gzipped(t, `"`+strings.Repeat("a", 33<<20)+`"`)
	outcome := execute(t, newApp(t, answering(200, bomb, "Content-Encoding", "gzip")))
	if outcome.Kind != endpoint.Failed || !strings.Contains(outcome.Error.Message, "more than 32 MiB") {
		t.Errorf("%s %v", outcome.Kind, outcome.Error)
	}
}

func TestAnAnswerThatCannotBeUnpackedSaysWhy(t *testing.T) {
	for _, test := range []struct {
		name, coding, body, problem string
		status                      int
		kind                        endpoint.OutcomeKind
	}{
		{"a coding that was not asked for", "br", `{"status":"SUCCESS"}`, `encoded as "br", which was not asked for`, 200, endpoint.Failed},
		{"what is not gzip", "gzip", `{"status":"SUCCESS"}`, "cannot be unpacked: gzip: invalid header", 200, endpoint.Transient},
		{"an error, whose status says enough", "br", "x", "Endpoint responded with 500 status code", 500, endpoint.Transient},
	} {
		outcome := execute(t, newApp(t, answering(test.status, test.body, "Content-Encoding", test.coding)))
		if outcome.Kind != test.kind || !strings.Contains(outcome.Error.Message, test.problem) {
			t.Errorf("%s: %s %v, want %s with %q", test.name, outcome.Kind, outcome.Error, test.kind, test.problem)
		}
	}
}

func TestAnAnswerThatIsNotUTF8IsRefusedWithThePlace(t *testing.T) {
	const where = "not UTF-8 text: byte 0xFC at offset 32"
	outcome := execute(t, newApp(t, answering(200, `{"status":"SUCCESS","output":"gr`+"\xfc"+`"}`)))
	if outcome.Kind != endpoint.Failed || !strings.Contains(outcome.Error.Message, where) {
		t.Errorf("%s %v, want failed with %q", outcome.Kind, outcome.Error, where)
	}
	for name, body := range map[string]string{
		"half of a surrogate pair":  "\xed\xa0\xbd",
		"a character that is cut":   "\xe2\x82",
		"a character in five bytes": "\xf8\x88\x80\x80\x80",
	} {
		outcome := execute(t, newApp(t, answering(200, `{"status":"SUCCESS","output":"`+body+`"}`)))
		if outcome.Kind != endpoint.Failed || !strings.Contains(outcome.Error.Message, "offset 30") {
			t.Errorf("%s: %s %v", name, outcome.Kind, outcome.Error)
		}
	}
	// What is no JSON at all comes from something in front of the app.
	if outcome := execute(t, newApp(t, answering(200, "<p>nicht verf\xfcgbar</p>"))); outcome.Kind != endpoint.Transient {
		t.Errorf("a page: %s %v", outcome.Kind, outcome.Error)
	}

	target := newApp(t, answering(200, `{"ok":true,"verified":true,"events":[],"jobs":[],"status":200,"x":"`+"\xfc"+`"}`)).target()
	c, ctx := client(t), context.Background()
	_, pinged := c.Ping(ctx, target)
	_, indexed := c.Index(ctx, target)
	_, responded := c.Respond(ctx, target, "key", model.IncomingRequest{})
	_, webhook := c.DeliverWebhook(ctx, target, endpoint.WebhookDelivery{Params: json.RawMessage(`{}`)})
	_, source := c.DeliverSource(ctx, target, endpoint.SourceDelivery{})
	for name, err := range map[string]error{
		"PING": pinged, "INDEX_ENDPOINT": indexed, "a request for an answer": responded,
		"a webhook": webhook, "a source": source, "RUN_NOTIFICATION": c.RunNotification(ctx, target, []byte(`{}`)),
	} {
		failure, ok := errors.AsType[*endpoint.Error](err)
		if !ok || !failure.Malformed || !strings.Contains(failure.Message, "not UTF-8 text: byte 0xFC at offset 67") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func TestWhatAnAppKnowsAgainComesBackAsItIs(t *testing.T) {
	index := func(job, trigger string) string {
		return `{"jobs":[{"id":"` + job + `","name":"N","version":"1.0.0","enabled":true,"startPosition":"latest","preprocessRuns":false,"integrations":{},
			"event":{"name":"e","title":"t","source":"s","icon":"i"},"trigger":{"type":"dynamic","id":"` + trigger + `"}}],
			"sources":[],"dynamicTriggers":[],"dynamicSchedules":[]}`
	}
	for _, test := range []struct{ job, trigger, problem string }{
		{"grün 😀 \\ud83d\\ude00", "t", ""},
		{"cut \\ud83d", "t", `at "id"`},
		{"a\\u0000b", "t", `at "id"`},
		{"j", "\\ude00 cut", `at "trigger.id"`},
	} {
		_, err := client(t).Index(context.Background(), newApp(t, answering(200, index(test.job, test.trigger))).target())
		if (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("%s and %s: got error %v, want %q", test.job, test.trigger, err, test.problem)
		}
	}
	for problem, listed := range map[string]string{
		`half of a surrogate pair in "cut �" at "key"`:                       `"sources":[{"channel":"HTTP","key":"cut \ud83d","options":{"event":["e"]}}],"dynamicTriggers":[],"dynamicSchedules":[]`,
		`- Webhook "w": expected whole characters`:                           `"sources":[],"dynamicTriggers":[],"dynamicSchedules":[],"httpEndpoints":[{"id":"h","version":"1","enabled":true,"icon":"i","source":"s","event":{"name":"h","title":"T","source":"s","icon":"i"}}],"webhooks":[{"key":"w","params":{},"config":{"event":["cut \ud83d"]},"httpEndpoint":{"id":"h"},"integration":{"id":"i","metadata":{"id":"i","name":"I"},"authSource":"LOCAL"}}]`,
		`at "options.event"`:                                                 `"sources":[{"channel":"HTTP","key":"k","options":{"event":["cut \ud83d"]}}],"dynamicTriggers":[],"dynamicSchedules":[]`,
		`- Source "漢字": key has the character '漢', which no header`:          `"sources":[{"channel":"HTTP","key":"漢字","options":{"event":["e"]}}],"dynamicTriggers":[],"dynamicSchedules":[]`,
		`- Source "a ": key begins or ends with white space`:                 `"sources":[{"channel":"HTTP","key":"a ","options":{"event":["e"]}}],"dynamicTriggers":[],"dynamicSchedules":[]`,
		`- Dynamic trigger "漢字": id has the character '漢', which no header`:  `"sources":[],"dynamicTriggers":[{"id":"漢字","jobs":[]}],"dynamicSchedules":[]`,
		`- Dynamic schedule "a\x00b": expected whole characters`:             `"sources":[],"dynamicTriggers":[],"dynamicSchedules":[{"id":"a\u0000b","jobs":[]}]`,
		`- Dynamic schedule "a?b": an id that can stand in a path is needed`: `"sources":[],"dynamicTriggers":[],"dynamicSchedules":[{"id":"a?b","jobs":[]}]`,
	} {
		_, err := client(t).Index(context.Background(), newApp(t, answering(200, `{"jobs":[],`+listed+`}`)).target())
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: got error %v, want %q", listed, err, problem)
		}
	}
	a := newApp(t, answering(200, `{"events":[]}`))
	if _, err := client(t).DeliverSource(context.Background(), a.target(), endpoint.SourceDelivery{Key: "grün", DynamicTriggerID: "漢字"}); err != nil {
		t.Fatal(err)
	}
	header := a.asked()[0].header
	if key, id := header.Get("X-Ts-Key"), header.Get("X-Ts-Dynamic-Id"); key != "gr\xfcn" || id != "漢字" {
		t.Errorf("the app receives the key %q and the id %q", key, id)
	}
}
