package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/runhook/runhook/protocol"
)

// The published examples of Standard Webhooks.
const (
	recordedID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	recordedBody   = `{"test": 2432232314}`
	recordedSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	recordedPublic = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	recordedV1     = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	recordedV1A    = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
	recordedKey    = "tr_dev_abc123"
	recordedAt     = 1614265330
)

// recorded returns headers of the recorded webhook as lines.
func recorded(signatures string) []string {
	return []string{"webhook-id: " + recordedID, fmt.Sprint("webhook-timestamp: ", recordedAt), "webhook-signature: " + signatures}
}

func headerFlags(lines []string) (arguments []string) {
	for _, line := range lines {
		arguments = append(arguments, "--header", line)
	}
	return arguments
}

func TestVerifySaysWhichCheckARecordedWebhookFails(t *testing.T) {
	t.Parallel()
	now := "--received-at=" + time.Unix(recordedAt+7, 0).UTC().Format(time.RFC3339)
	late := "--received-at=" + time.Unix(recordedAt+3600, 0).UTC().Format(time.RFC3339)
	legacy := []string{"x-trigger-signature-256: " + protocol.SignBody(recordedKey, []byte(recordedBody))}
	derived := recorded(protocol.DerivedWebhookKey(recordedKey).Sign(recordedID, time.Unix(recordedAt, 0), []byte(recordedBody)))
	for name, c := range map[string]struct {
		body      string
		headers   []string
		arguments []string
		status    int
		says      []string
	}{
		"right by a secret":        {recordedBody, recorded(recordedV1), []string{now, "--secret", recordedSecret}, succeeded, []string{"v1, made by the secret", "Believed"}},
		"right by a public key":    {recordedBody, recorded(recordedV1A), []string{now, "--public-key", recordedPublic}, succeeded, []string{"v1a, made by the public key"}},
		"right by the API key":     {recordedBody, append(derived, legacy...), []string{now, "--api-key", recordedKey}, succeeded, []string{"v1, made by the API key", "HMAC-SHA256 of the body, made by the API key"}},
		"signed by the body alone": {recordedBody, legacy, []string{"--api-key", recordedKey}, failed, []string{"covers neither an ID nor the time", "timestamp", "there is none", "AllowLegacy"}},
		"legacy, where allowed":    {recordedBody, legacy, []string{"--api-key", recordedKey, "--allow-legacy"}, succeeded, []string{"covers neither an ID nor the time", "HMAC-SHA256 of the body, made by the API key"}},
		"the second secret of two": {recordedBody, recorded(recordedV1), []string{now, "--secret", protocol.WebhookSecret("x") + "," + recordedSecret}, succeeded, []string{"made by secret 2 of 2"}},
		"one signature of two":     {recordedBody, recorded(recordedV1 + " " + recordedV1A), []string{now, "--secret", recordedSecret}, succeeded, []string{"v1 and v1a, made by the secret"}},
		"too late":                 {recordedBody, recorded(recordedV1), []string{late, "--secret", recordedSecret}, failed, []string{"FAILED  timestamp", "1h0m0s before", "at most 5m0s is accepted", "made by the secret", "Refused: the timestamp"}},
		"late, but tolerated":      {recordedBody, recorded(recordedV1), []string{late, "--secret", recordedSecret, "--tolerance=2h"}, succeeded, nil},
		"another secret":           {recordedBody, recorded(recordedV1), []string{now, "--secret", protocol.WebhookSecret("x")}, failed, []string{"FAILED  webhook-signature", "not made by any key given here", "Refused: the signature is wrong"}},
		"only a key of the other kind": {recordedBody, recorded(recordedV1A), []string{now, "--secret", recordedSecret}, failed,
			[]string{"holds only v1a, and this receiver verifies v1"}},
		"a line break at the end": {recordedBody + "\n", recorded(recordedV1), []string{now, "--secret", recordedSecret}, failed, []string{"over other bytes: the body has a line break at its end"}},
		"a byte order mark":       {"\ufeff" + recordedBody, recorded(recordedV1), []string{now, "--secret", recordedSecret}, failed, []string{"byte order mark"}},
		"a body saved in UTF-16":  {"\xff\xfe" + inUTF16(binary.LittleEndian, recordedBody), recorded(recordedV1), []string{now, "--secret", recordedSecret}, failed, []string{"over other bytes: the body was saved in UTF-16"}},
		"no timestamp":            {recordedBody, recorded(recordedV1)[:1], []string{now, "--secret", recordedSecret}, failed, []string{"Webhook-Timestamp and Webhook-Signature is missing"}},
		"a timestamp without sense": {recordedBody, append(recorded(recordedV1)[2:], "webhook-id: a", "webhook-timestamp: noon"), []string{now, "--secret", recordedSecret}, failed,
			[]string{`"noon" is not a number of seconds`}},
		"no signature":                   {recordedBody, []string{"content-type: application/json"}, []string{now, "--secret", recordedSecret}, failed, []string{"no signature: neither"}},
		"a detail that moves the cursor": {recordedBody, append(recorded(recordedV1)[1:], "webhook-id: \x1b[2J"), []string{now, "--secret", recordedSecret}, failed, []string{`\x1b[2J`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arguments := append(append([]string{"verify"}, c.arguments...), headerFlags(c.headers)...)
			out, problems, status := invokedWith(t, c.body, arguments...)
			if status != c.status || problems != "" {
				t.Errorf("it exits with %d: %s%s", status, out, problems)
			}
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			if strings.Contains(out, recordedSecret[6:]) || strings.Contains(out, recordedKey) || strings.Contains(out, "\x1b") {
				t.Errorf("it shows what it must not:\n%s", out)
			}
		})
	}
}

func TestVerifyTellsThatJSONWasFormattedAnew(t *testing.T) {
	t.Parallel()
	sent := []byte(`{"id":"run_1","ok":true}`)
	headers := headerFlags([]string{"x-trigger-signature-256: " + protocol.SignBody(recordedKey, sent)})
	out, _, status := invokedWith(t, "{\n  \"id\": \"run_1\",\n  \"ok\": true\n}\n", append([]string{"verify", "--allow-legacy", "--api-key", recordedKey}, headers...)...)
	if status != failed || !strings.Contains(out, "the JSON of the body was formatted anew") {
		t.Errorf("it exits with %d: %s", status, out)
	}
}

func TestVerifyReadsFilesAndWritesJSON(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	body := write("body.json", recordedBody)
	lines := "POST /done HTTP/1.1\r\nHost: example.com\r\n" + strings.Join(recorded(recordedV1), "\r\n") + "\r\n\r\nignored"
	object, err := json.Marshal(map[string]any{"Webhook-Id": recordedID, "webhook-timestamp": recordedAt, "WEBHOOK-SIGNATURE": []string{recordedV1}})
	if err != nil {
		t.Fatal(err)
	}
	for name, headers := range map[string]string{
		"a recorded request": lines,
		"what curl shows":    "> " + strings.Join(recorded(recordedV1), "\n> ") + "\n",
		"a JSON object":      string(object),

		"a file with a byte order mark":                      "\ufeff" + lines,
		"a JSON object with a byte order mark":               "\ufeff" + string(object),
		"a file in UTF-16, as PowerShell writes it":          "\xff\xfe" + inUTF16(binary.LittleEndian, lines),
		"a file in UTF-16 with its bytes swapped":            "\xfe\xff" + inUTF16(binary.BigEndian, lines),
		"a JSON object in UTF-16 without a mark":             inUTF16(binary.LittleEndian, string(object)),
		"a file in swapped UTF-16 without a byte order mark": inUTF16(binary.BigEndian, lines),
	} {
		t.Run(name, func(t *testing.T) {
			out, problems, status := invoked(t, "verify", body, "--headers", write(strings.ReplaceAll(name, " ", "-"), headers),
				"--secret", recordedSecret, "--received-at", time.Unix(recordedAt, 0).UTC().Format(time.RFC3339), "--json")
			var report struct {
				Believed bool
				Checks   []struct{ Name, Outcome string }
			}
			if err := json.Unmarshal([]byte(out), &report); err != nil || status != succeeded || !report.Believed || len(report.Checks) != 4 {
				t.Errorf("it exits with %d: %s%s (%v)", status, out, problems, err)
			}
		})
	}
}

func inUTF16(order binary.AppendByteOrder, text string) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = order.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

func TestVerifyRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	right := slices.Clip(headerFlags(recorded(recordedV1)))
	for name, c := range map[string]struct {
		arguments []string
		says      string
	}{
		"no key":                    {right, "--secret (RUNHOOK_WEBHOOK_SECRET)"},
		"no headers":                {[]string{"--secret", recordedSecret}, "give the headers"},
		"a header that is none":     {[]string{"--secret", recordedSecret, "-H", "nonsense"}, "not like Name: value"},
		"a secret that is none":     {append(right, "--secret", "whsec_c2hvcnQ="), "--secret (RUNHOOK_WEBHOOK_SECRET): the secret is not a webhook secret"},
		"a public key that is none": {append(right, "--public-key", recordedPublic+","+recordedSecret), "public key 2 of 2 is not a webhook key"},
		"a file that is not there":  {[]string{"--secret", recordedSecret, "--headers", "/nowhere"}, "--headers (RUNHOOK_VERIFY_HEADERS)"},
		"a tolerance of no time":    {append(right, "--secret", recordedSecret, "--tolerance=0s"), "--tolerance (RUNHOOK_VERIFY_TOLERANCE)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, problems, status := invoked(t, append([]string{"verify"}, c.arguments...)...); status != wrongUsage || !strings.Contains(problems, c.says) {
				t.Errorf("it exits with %d: %s%s", status, out, problems)
			}
		})
	}
}
