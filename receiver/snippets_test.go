package receiver_test

import (
	"bytes"
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

// recorded is a webhook as the programs in docs/verify are given it. A header is a
// text or a list of texts; a key that is absent is not given at all.
type recorded struct {
	Headers   map[string]any `json:"headers"`
	Body      string         `json:"body"` // in base64
	APIKey    *string        `json:"apiKey,omitempty"`
	Secret    *string        `json:"secret,omitempty"`
	PublicKey *string        `json:"publicKey,omitempty"`
	Now       int64          `json:"now"`
}

// verdict is what became of one recorded webhook: the id of one that is believed,
// or the reason.
type verdict struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// Programs read recorded webhooks from their standard input, as a JSON list, and
// print the verdicts. An error that is not a WebhookError ends them. Node tries each
// webhook with plain headers and, where those can be made, Fetch's.
const (
	nodeProgram = `import fs from "node:fs";
const { verify, WebhookError } = await import(process.argv[1]);
function judge(headers, r) {
  try {
    return { id: verify(headers, Buffer.from(r.body, "base64"), r, r.now) };
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    return { error: error.message };
  }
}
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map((r) => {
  const plain = judge(r.headers, r);
  let fetched;
  try {
    fetched = new Headers(Object.entries(r.headers).flatMap(([name, value]) => [value].flat().map((v) => [name, v])));
  } catch {
    return plain; // fetch itself refuses such a header
  }
  const other = judge(fetched, r);
  if (plain.id !== other.id) throw new Error("plain headers: " + JSON.stringify(plain) + ", Headers: " + JSON.stringify(other));
  return plain;
})));`
	pythonProgram = `import base64, json, sys
sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True
from verify import verify, WebhookError
def judge(r):
    try:
        return {"id": verify(r["headers"], base64.b64decode(r["body"]), r.get("apiKey"), r.get("secret"), r.get("publicKey"), r["now"])}
    except WebhookError as error:
        return {"error": str(error)}
print(json.dumps([judge(r) for r in json.load(sys.stdin)]))`
)

// snippets run what docs/verify has for each language.
var snippets = map[string]func(t *testing.T, folder string, all []recorded) []verdict{
	"Node": func(t *testing.T, folder string, all []recorded) []verdict {
		return judged(t, all, "node", "--input-type=module", "-e", nodeProgram, filepath.Join(folder, "verify.mjs"))
	},
	"Python": func(t *testing.T, folder string, all []recorded) []verdict {
		return judged(t, all, "python3", "-c", pythonProgram, folder)
	},
	"a shell": func(t *testing.T, folder string, all []recorded) []verdict {
		verdicts := make([]verdict, len(all))
		for i, r := range all {
			verdicts[i] = judgedByShell(t, folder, r)
		}
		return verdicts
	},
}

func judged(t *testing.T, all []recorded, name string, arguments ...string) []verdict {
	t.Helper()
	input, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Stdin = bytes.NewReader(input)
	output, err := command.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s: %v: %s", name, err, failed.Stderr)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var verdicts []verdict
	if err := json.Unmarshal(output, &verdicts); err != nil || len(verdicts) != len(all) {
		t.Fatalf("%s printed %q (%v), want %d verdicts", name, output, err, len(all))
	}
	return verdicts
}

// judgedByShell gives verify.sh the headers as a web server's variables hold them.
func judgedByShell(t *testing.T, folder string, r recorded) verdict {
	t.Helper()
	body, err := base64.StdEncoding.DecodeString(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	header := func(name string) string {
		switch value := r.Headers[name].(type) {
		case string:
			return value
		case []string:
			return strings.Join(value, ", ")
		}
		return ""
	}
	command := exec.CommandContext(t.Context(), "sh", filepath.Join(folder, "verify.sh"),
		header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"))
	command.Stdin = bytes.NewReader(body)
	command.Env = append(command.Environ(), fmt.Sprint("NOW=", r.Now))
	for name, value := range map[string]*string{
		"RUNHOOK_API_KEY": r.APIKey, "RUNHOOK_WEBHOOK_SECRET": r.Secret, "RUNHOOK_WEBHOOK_PUBLIC_KEY": r.PublicKey,
	} {
		if value != nil {
			command.Env = append(command.Env, name+"="+*value)
		}
	}
	output, err := command.CombinedOutput()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() <= 2 {
		return verdict{Error: strings.TrimSpace(string(output))}
	}
	if err != nil || len(output) > 0 {
		t.Fatalf("verify.sh: %v: %s", err, output)
	}
	return verdict{ID: header("webhook-id")}
}

const snippetKey = "tr_prod_abcdefghijklmnopqrst"

var (
	snippetBody  = []byte("{\"id\":\"run_1\",\"output\":\"caf\u00e9 \\u0000\"}")
	snippetOther = protocol.DerivedWebhookKey("other")
)

// snippetWebhook is a webhook signed by two secrets and an asymmetric key; change
// gives it the key to verify it with.
func snippetWebhook(t *testing.T, change func(*recorded)) recorded {
	t.Helper()
	r := recorded{
		Headers: map[string]any{
			"webhook-id": "ntf_1", "webhook-timestamp": fmt.Sprint(now.Unix()),
			"webhook-signature": protocol.SignWebhook("ntf_1", now, snippetBody, snippetOther, asymmetric(t, 7), protocol.DerivedWebhookKey(snippetKey)),
		},
		Body: base64.StdEncoding.EncodeToString(snippetBody), Now: now.Unix() + 5,
	}
	change(&r)
	return r
}

func TestTheSnippetsOfTheDocumentationVerify(t *testing.T) {
	t.Parallel()
	key, other, public := snippetKey, snippetOther.Secret(), asymmetric(t, 7).Public().String()
	otherPublic, third := asymmetric(t, 8).Public().String(), protocol.WebhookSecret("third")
	rotated := protocol.DerivedWebhookKey("rotated")
	newSecret := rotated.Secret()
	during := func(r *recorded) { // the overlap, in which both secrets of a subscription sign
		r.Headers["webhook-signature"] = protocol.SignWebhook("ntf_1", now, snippetBody, rotated, snippetOther)
	}
	expect(t, map[string]change{
		"by the API key":                      func(r *recorded) { r.APIKey = &key },
		"by a secret":                         func(r *recorded) { r.Secret = &other },
		"by a public key":                     func(r *recorded) { r.PublicKey = &public },
		"by the new secret during a rotation": func(r *recorded) { during(r); r.Secret = &newSecret },
		"by the old secret during a rotation": func(r *recorded) { during(r); r.Secret = &other },
	}, map[string]change{
		"by the API key during a rotation":  func(r *recorded) { during(r); r.APIKey = &key },
		"by a public key over another body": func(r *recorded) { r.PublicKey, r.Body = &public, "e30=" },
		"by another public key":             func(r *recorded) { r.PublicKey = &otherPublic },
		"by another secret":                 func(r *recorded) { r.Secret = &third },
		"by nothing":                        func(*recorded) {},
		"by two keys at once":               func(r *recorded) { r.APIKey, r.Secret = &key, &other },
		"over another body":                 func(r *recorded) { r.APIKey, r.Body = &key, "e30=" },
		"under another id":                  func(r *recorded) { r.APIKey, r.Headers["webhook-id"] = &key, "ntf_2" },
		"six minutes ago":                   func(r *recorded) { r.APIKey, r.Now = &key, now.Add(6*time.Minute).Unix() },
		"in six minutes":                    func(r *recorded) { r.APIKey, r.Now = &key, now.Add(-6*time.Minute).Unix() },
	})
}

func TestTheSnippetsOfTheDocumentationRefuseWhatIsNotAKey(t *testing.T) {
	t.Parallel()
	key := snippetKey
	refused := map[string]change{}
	secret := func(name, text string, sign protocol.WebhookKey) {
		refused[name] = func(r *recorded) {
			r.Secret = &text
			r.Headers["webhook-signature"] = protocol.SignWebhook("ntf_1", now, snippetBody, sign)
		}
	}
	// Secrets of every length, right only from 24 to 64 bytes; none of them signed.
	for length := range 80 {
		secret(fmt.Sprintf("a secret of %d bytes", length), "whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, length)), snippetOther)
	}
	encoded := strings.TrimPrefix(snippetOther.Secret(), "whsec_")
	for name, text := range map[string]string{
		"an empty secret":                    "",
		"a prefix alone":                     "whsec_",
		"a secret without its prefix":        encoded,
		"a secret with a blank at its end":   "whsec_" + encoded + " ",
		"a secret with a line break":         "whsec_" + encoded + "\n",
		"a secret in quotes":                 `"whsec_` + encoded + `"`,
		"a secret without its padding":       "whsec_" + strings.TrimRight(encoded, "="),
		"a secret that is not Base64":        "whsec_****************************************",
		"a secret with a letter beyond them": "whsec_" + encoded[:8] + "\u00e9" + encoded[8:],
		"a secret in URL-safe Base64":        "whsec_" + strings.Repeat("-_", 22),
		"a variable that was not replaced":   "whsec_$HOOK_SECRET",
		"a secret in capitals":               strings.ToUpper(snippetOther.Secret()),
	} {
		secret(name, text, snippetOther)
	}
	for _, text := range []string{
		"", "tr_prod_", "tr_prod_abc", "tr_prod_abcdefghijklmnopqrs", "pk_prod_abcdefghijklmnopqrst", "tr_prod_abcdefghijklmnopqrst ",
		"tr_prod_abcdefghijklmnopqrst\n", "Bearer tr_prod_abcdefghijklmnopqrst", "abcdefghijklmnopqrstuvwxyz", "tr__abcdefghijklmnopqrst",
		"tr_prod_abcdefghijklmnopqrs\u00e9", "whsec_" + encoded,
	} {
		refused[fmt.Sprintf("the API key %q", text)] = func(r *recorded) {
			r.APIKey = &text
			r.Headers["webhook-signature"] = protocol.SignWebhook("ntf_1", now, snippetBody, protocol.DerivedWebhookKey(text))
		}
	}
	for _, text := range []string{"", "whpk_", "whpk_AAAA", "whpk_ ", key, "whpk_" + strings.Repeat("A", 44)} {
		refused[fmt.Sprintf("the public key %q", text)] = func(r *recorded) { r.PublicKey = &text }
	}
	expect(t, nil, refused)
}

func TestTheSnippetsOfTheDocumentationRefuseOddHeaders(t *testing.T) {
	t.Parallel()
	key := snippetKey
	refused := map[string]change{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		with := func(what string, value any) {
			refused[fmt.Sprintf("%s %s %q", name, what, value)] = func(r *recorded) { r.APIKey, r.Headers[name] = &key, value }
		}
		refused[name+" missing"] = func(r *recorded) { r.APIKey = &key; delete(r.Headers, name) }
		with("empty", "")
		with("twice", []string{"ntf_1", "ntf_2"})
		with("is odd", "\u00e9")
		with("is odd", "null")
		with("is odd", "undefined")
		with("is odd", ".")
		with("is odd", "a.b")
	}
	seconds := now.Unix()
	for _, text := range []string{
		"noon", "-1", "0", "1e9", "0x68000000", "NaN", "Infinity", "1_700_000_000",
		fmt.Sprint(seconds, ".0"), fmt.Sprint(seconds, "n"), fmt.Sprintf("+%d", seconds), fmt.Sprintf("-%d", seconds), fmt.Sprintf("%d%d", seconds, seconds),
		fmt.Sprintf("%d000", seconds), fmt.Sprintf("%d ", seconds) + "x", fmt.Sprintf("%d,%d", seconds, seconds), now.Format(time.RFC3339),
		strings.Map(func(r rune) rune { return r - '0' + '\u0660' }, fmt.Sprint(seconds)),
		strings.Map(func(r rune) rune { return r - '0' + '\uff10' }, fmt.Sprint(seconds)),
		"99999999999999999999999999999999", strings.Repeat("9", 400),
	} {
		refused[fmt.Sprintf("the timestamp %q", text)] = func(r *recorded) { r.APIKey, r.Headers["webhook-timestamp"] = &key, text }
	}
	right := snippetWebhook(t, func(*recorded) {}).Headers["webhook-signature"].(string)
	mine := right[strings.LastIndex(right, "v1,"):]
	for _, text := range []string{
		"v1", "v1,", "v1, ", "v2" + mine[2:], "v1a" + mine[2:], mine[3:], "V1" + mine[2:], mine + "=", mine + "A", mine[:len(mine)-1], mine[:len(mine)-2],
		mine + "," + mine, strings.Replace(mine, ",", " ", 1), strings.Replace(mine, ",", ", ", 1), "v1,AAAA", "v1," + strings.Repeat("A", 43) + "=",
		strings.ToUpper(mine), `"` + mine + `"`, "v1=" + mine[3:], "*", "v1,*",
	} {
		refused[fmt.Sprintf("the signature %q", text)] = func(r *recorded) { r.APIKey, r.Headers["webhook-signature"] = &key, text }
	}
	for bit := range 50 { // a signature that is wrong in one bit
		raw, err := base64.StdEncoding.DecodeString(mine[3:])
		if err != nil {
			t.Fatal(err)
		}
		raw[bit%len(raw)] ^= 1 << (bit % 8)
		refused[fmt.Sprint("a signature wrong in bit ", bit)] = func(r *recorded) {
			r.APIKey, r.Headers["webhook-signature"] = &key, "v1,"+base64.StdEncoding.EncodeToString(raw)
		}
	}
	expect(t, map[string]change{
		"among unknown signatures": func(r *recorded) { r.APIKey, r.Headers["webhook-signature"] = &key, "v9,x v1 v1,AAAA "+mine },
	}, refused)
}

// change makes a case of a webhook that is right.
type change func(*recorded)

// expect checks in every language that webhooks are believed or refused with a reason.
func expect(t *testing.T, believed, refused map[string]change) {
	t.Helper()
	folder, err := filepath.Abs("../docs/verify")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var all []recorded
	for _, cases := range []map[string]change{believed, refused} {
		for name, change := range cases {
			names, all = append(names, name), append(all, snippetWebhook(t, change))
		}
	}
	for language, judge := range snippets {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for i, got := range judge(t, folder, all) {
				if want := i < len(believed); want != (got == verdict{ID: "ntf_1"}) || !want && got.Error == "" {
					t.Errorf("%s: got %+v, believed must be %v", names[i], got, want)
				}
			}
		})
	}
}
