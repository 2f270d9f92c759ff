package secretscan_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/secretscan"
)

// hidden returns a text with what was found replaced by what it says, in brackets.
func hidden(text string, spans []secretscan.Span) string {
	var all strings.Builder
	at := 0
	for _, span := range spans {
		all.WriteString(text[at:span.From] + "<" + span.Text + ">")
		at = span.To
	}
	return all.String() + text[at:]
}

func TestSecretsAreFoundHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	const quoted = `it's a "secret"/<é>😀`
	set := secretscan.New([]string{quoted, "tiny", "abc", "plain secret", "secret with more", "a name that is very long"})
	encoded := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	within := encoded(map[string]string{"a": quoted})
	for _, c := range []struct{ text, want string }{
		{`{"a":"plain secret"}`, `{"a":"<plain secret>"}`},
		{`["Bearer plain secret.","plain secre"]`, `["Bearer <plain secret>.","plain secre"]`},
		{`"\u0070lain\u0020secret"`, `"<plain secret>"`},
		{`"it's a \"secret\"\/<\u00e9>\ud83d\ude00!"`, `"<` + quoted + `>!"`},
		{encoded(quoted), `"<` + quoted + `>"`},
		{encoded(within), `"{\"a\":\"<` + within[6:len(within)-2] + `>\"}"`},
		{`["tiny","tiny thing","abc"]`, `["<tiny>","tiny thing","abc"]`},
		{`{"tiny":1,"plain secret" :2,"a name that is very long":3}`, `{"tiny":1,"plain secret" :2,"<a name that is very long>":3}`},
		{`"plain secret with more"`, `"<plain secret with more>"`},
		{`"plain plain secretplain secret"`, `"plain <plain secret><plain secret>"`},
		{`"\ud83d plain secret \ud83d"`, `"\ud83d <plain secret> \ud83d"`},
		{`"?q=plain+secret&r=plain%20secret"`, `"?q=<plain+secret>&r=<plain%20secret>"`},
		{`plain secret`, `plain secret`},
		{`"plain secret`, `"<plain secret>`},
		{`"\`, `"\`}, {`"\u12`, `"\u12`}, {``, ``},
	} {
		if got := hidden(c.text, set.JSON([]byte(c.text))); got != c.want {
			t.Errorf("in %s found %s, want %s", c.text, got, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{`tiny`, `<tiny>`}, {`tiny.`, `tiny.`}, {`a plain secret`, `a <plain secret>`}, {quoted, `<` + quoted + `>`}, {``, ``},
	} {
		if got := hidden(c.text, set.Plain([]byte(c.text))); got != c.want {
			t.Errorf("in the plain text %s found %s, want %s", c.text, got, c.want)
		}
	}
	if found := new(secretscan.Set).JSON([]byte(`"plain secret"`)); found != nil {
		t.Errorf("an empty set finds %v", found)
	}
}

func TestManySecretsThatAreAlikeAreFound(t *testing.T) {
	t.Parallel()
	var secrets []string
	for n := range 5000 {
		secrets = append(secrets, fmt.Sprintf("whsec_%05d_of_a_customer", n))
	}
	set := secretscan.New(secrets)
	for n, secret := range secrets {
		text := `{"a":"` + secret + `","b":"whsec_99999_of_a_customer"}`
		want := `{"a":"<` + secret + `>","b":"whsec_99999_of_a_customer"}`
		if got := hidden(text, set.JSON([]byte(text))); got != want {
			t.Fatalf("of %d: found %s, want %s", n, got, want)
		}
	}
}

func FuzzWhatIsFoundIsASecret(f *testing.F) {
	f.Add(`{"a":"plain secret"}`, "plain secret")
	f.Add(`"\ud83d\u0070lain secret\\"`, "plain secret")
	f.Add(`"aaaaaaaaaaaaaaaaaaaaaaab"`, "aaaaaaaab")
	f.Fuzz(func(t *testing.T, text, secret string) {
		set := secretscan.New([]string{secret})
		for _, find := range []func([]byte) []secretscan.Span{set.JSON, set.Plain} {
			end := 0
			for _, span := range find([]byte(text)) {
				if span.From < end || span.To <= span.From || span.To > len(text) {
					t.Fatalf("found %+v after %d in %q", span, end, text)
				}
				end = span.To
			}
		}
		var value string
		if json.Unmarshal([]byte(text), &value) == nil && json.Valid([]byte(text)) && len(secret) >= 8 && strings.Contains(value, secret) && len(set.JSON([]byte(text))) == 0 {
			t.Errorf("%q was not found in %q", secret, text)
		}
	})
}
