package receiver_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
)

// recorded is a webhook as the programs in docs/verify are given it.
type recorded struct {
	ID        string `json:"id"`
	Timestamp string `json:"timestamp"`
	Signature string `json:"signature"`
	Body      string `json:"body"` // in base64
	APIKey    string `json:"apiKey"`
	Secret    string `json:"secret"`
	PublicKey string `json:"publicKey"`
	Now       int64  `json:"now"`
}

// Programs that have the snippet in a file verify what stands in its standard
// input, as JSON, and print true or false.
const (
	nodeProgram = `import fs from "node:fs";
const { verify } = await import(process.argv[1]);
const r = JSON.parse(fs.readFileSync(0, "utf8"));
const headers = { "webhook-id": r.id, "webhook-timestamp": r.timestamp, "webhook-signature": r.signature };
console.log(verify(headers, Buffer.from(r.body, "base64"), r, r.now));`
	pythonProgram = `import base64, json, sys
sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True
from verify import verify
r = json.load(sys.stdin)
headers = {"webhook-id": r["id"], "webhook-timestamp": r["timestamp"], "webhook-signature": r["signature"]}
print(str(verify(headers, base64.b64decode(r["body"]), r["apiKey"], r["secret"], r["publicKey"], r["now"])).lower())`
)

// snippets run what docs/verify has for each language.
var snippets = map[string]func(t *testing.T, folder string, r recorded) bool{
	"Node": func(t *testing.T, folder string, r recorded) bool {
		return printsTrue(t, r, "node", "--input-type=module", "-e", nodeProgram, filepath.Join(folder, "verify.mjs"))
	},
	"Python": func(t *testing.T, folder string, r recorded) bool {
		return printsTrue(t, r, "python3", "-c", pythonProgram, folder)
	},
	"a shell": verifiedByShell,
}

func printsTrue(t *testing.T, r recorded, name string, arguments ...string) bool {
	t.Helper()
	input, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Stdin = strings.NewReader(string(input))
	output, err := command.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s: %v: %s", name, err, failed.Stderr)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.TrimSpace(string(output)) == "true"
}

func verifiedByShell(t *testing.T, folder string, r recorded) bool {
	t.Helper()
	body, err := base64.StdEncoding.DecodeString(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", filepath.Join(folder, "verify.sh"), r.ID, r.Timestamp, r.Signature)
	command.Stdin = strings.NewReader(string(body))
	command.Env = append(command.Environ(), "RUNHOOK_API_KEY="+r.APIKey, "RUNHOOK_WEBHOOK_SECRET="+r.Secret,
		"RUNHOOK_WEBHOOK_PUBLIC_KEY="+r.PublicKey, fmt.Sprint("NOW=", r.Now))
	output, err := command.CombinedOutput()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() == 1 && len(output) == 0 {
		return false
	}
	if err != nil {
		t.Fatalf("verify.sh: %v: %s", err, output)
	}
	return true
}

func TestTheSnippetsOfTheDocumentationVerify(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs("../docs/verify")
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("{\"id\":\"run_1\",\"output\":\"caf\u00e9 \\u0000\"}")
	key, other, asymmetricKey := protocol.DerivedWebhookKey(apiKey), protocol.DerivedWebhookKey("other"), asymmetric(t, 7)
	right := func(change func(*recorded)) recorded {
		r := recorded{
			ID: "ntf_1", Timestamp: fmt.Sprint(now.Unix()), Body: base64.StdEncoding.EncodeToString(text), Now: now.Unix() + 5,
			Signature: protocol.SignWebhook("ntf_1", now, text, other, asymmetricKey, key),
		}
		change(&r)
		return r
	}
	rotated := protocol.DerivedWebhookKey("rotated")
	during := func(r *recorded) { // the overlap, in which both secrets of a subscription sign
		r.Signature = protocol.SignWebhook("ntf_1", now, text, rotated, other)
	}
	for name, c := range map[string]struct {
		recorded recorded
		want     bool
	}{
		"by the API key":                      {recorded: right(func(r *recorded) { r.APIKey = apiKey }), want: true},
		"by a secret":                         {recorded: right(func(r *recorded) { r.Secret = other.Secret() }), want: true},
		"by a public key":                     {recorded: right(func(r *recorded) { r.PublicKey = asymmetricKey.Public().String() }), want: true},
		"by the new secret during a rotation": {recorded: right(func(r *recorded) { during(r); r.Secret = rotated.Secret() }), want: true},
		"by the old secret during a rotation": {recorded: right(func(r *recorded) { during(r); r.Secret = other.Secret() }), want: true},
		"by the API key during a rotation":    {recorded: right(func(r *recorded) { during(r); r.APIKey = apiKey })},
		"by a public key over another body":   {recorded: right(func(r *recorded) { r.PublicKey, r.Body = asymmetricKey.Public().String(), "e30=" })},
		"by another public key":               {recorded: right(func(r *recorded) { r.PublicKey = asymmetric(t, 8).Public().String() })},
		"by another secret":                   {recorded: right(func(r *recorded) { r.Secret = protocol.WebhookSecret("third") })},
		"by nothing":                          {recorded: right(func(*recorded) {})},
		"over another body":                   {recorded: right(func(r *recorded) { r.APIKey, r.Body = apiKey, "e30=" })},
		"under another id":                    {recorded: right(func(r *recorded) { r.APIKey, r.ID = apiKey, "ntf_2" })},
		"without a signature":                 {recorded: right(func(r *recorded) { r.APIKey, r.Signature = apiKey, "" })},
		"six minutes ago":                     {recorded: right(func(r *recorded) { r.APIKey, r.Now = apiKey, now.Add(6*time.Minute).Unix() })},
		"in six minutes":                      {recorded: right(func(r *recorded) { r.APIKey, r.Now = apiKey, now.Add(-6*time.Minute).Unix() })},
		"at a time without sense": {recorded: right(func(r *recorded) {
			r.APIKey, r.Timestamp = apiKey, "noon"
		})},
	} {
		for language, verified := range snippets {
			t.Run(name+" in "+language, func(t *testing.T) {
				t.Parallel()
				if got := verified(t, folder, c.recorded); got != c.want {
					t.Errorf("it verifies: %v, want %v", got, c.want)
				}
			})
		}
	}
}
