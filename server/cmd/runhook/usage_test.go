package main

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/test/harness"
)

func TestAWrongSettingIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ flag, value, variable string }{
		"an address without a port":      {"--addr", "localhost", "RUNHOOK_ADDR"},
		"a port that is none":            {"--addr", "127.0.0.1:99999", "RUNHOOK_ADDR"},
		"a database that is none":        {"--db", "mysql://localhost/x", "RUNHOOK_DB"},
		"a file without a name":          {"--db", "sqlite:", "RUNHOOK_DB"},
		"a public URL without a scheme":  {"--public-url", "example.com", "RUNHOOK_PUBLIC_URL"},
		"a public URL with a query":      {"--public-url", "https://example.com/?a", "RUNHOOK_PUBLIC_URL"},
		"a range that is none":           {"--egress-allow", "10.0.0.0/99", "RUNHOOK_EGRESS_ALLOW"},
		"fewer connections than none":    {"--max-connections", "-1", "RUNHOOK_MAX_CONNECTIONS"},
		"fewer of an address than none":  {"--max-connections-per-address", "-1", "RUNHOOK_MAX_CONNECTIONS_PER_ADDRESS"},
		"memory that is no size":         {"--memory", "plenty", "RUNHOOK_MEMORY"},
		"too little memory":              {"--memory", "1MiB", "RUNHOOK_MEMORY"},
		"a certificate without a key":    {"--tls-cert", "cert.pem", "RUNHOOK_TLS_CERT"},
		"a key without a certificate":    {"--tls-key", "key.pem", "RUNHOOK_TLS_KEY"},
		"probes at no address":           {"--health-addr", "localhost", "RUNHOOK_HEALTH_ADDR"},
		"a proxy that is none":           {"--trusted-proxies", "proxy.example", "RUNHOOK_TRUSTED_PROXIES"},
		"a port range backwards":         {"--egress-ports", "90-80", "RUNHOOK_EGRESS_PORTS"},
		"a key that is too short":        {"--encryption-key", "abc", "RUNHOOK_ENCRYPTION_KEY"},
		"no room for executions":         {"--max-executions", "0", "RUNHOOK_MAX_EXECUTIONS"},
		"executions that are no number":  {"--max-executions", "many", "RUNHOOK_MAX_EXECUTIONS"},
		"no room for deliveries":         {"--max-deliveries", "0", "RUNHOOK_MAX_DELIVERIES"},
		"an age of no environment":       {"--keep-payloads", "QA=7d", "RUNHOOK_KEEP_PAYLOADS"},
		"an age that is none":            {"--keep-runs", "STAGING=soon", "RUNHOOK_KEEP_RUNS"},
		"a queue shorter than none":      {"--max-queued-runs", "-1", "RUNHOOK_MAX_QUEUED_RUNS"},
		"no room for requests":           {"--max-request", "0", "RUNHOOK_MAX_REQUEST"},
		"a grace that is no time":        {"--grace", "long", "RUNHOOK_GRACE"},
		"a grace of no time":             {"--grace", "0s", "RUNHOOK_GRACE"},
		"an unknown level":               {"--log-level", "loud", "RUNHOOK_LOG_LEVEL"},
		"an unknown format":              {"--log-format", "xml", "RUNHOOK_LOG_FORMAT"},
		"a key that the SDKs refuse":     {"--prod-api-key", "secret", "RUNHOOK_PROD_API_KEY"},
		"another key of that kind":       {"--staging-api-key", "tr_stg_", "RUNHOOK_STAGING_API_KEY"},
		"a public key for a secret one":  {"--dev-api-key", "pk_dev_abc", "RUNHOOK_DEV_API_KEY"},
		"another public key":             {"--prod-api-key", " pk_prod_abc", "RUNHOOK_PROD_API_KEY"},
		"a key with a space":             {"--preview-api-key", "tr_prev_a b", "RUNHOOK_PREVIEW_API_KEY"},
		"a public URL of another scheme": {"--public-url", "ftp://example.com", "RUNHOOK_PUBLIC_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arguments := []string{"serve", "--addr", "127.0.0.1:0", "--db", harness.Memory}
			_, problems, status := invoked(t, append(arguments, c.flag+"="+c.value)...)
			checkNamed(t, problems, status, c.flag, c.variable)
		})
		t.Run(name+" in its variable", func(t *testing.T) {
			t.Parallel()
			process := program(t, []string{c.variable + "=" + c.value}, "serve")
			status := process.ExitStatus()
			checkNamed(t, process.Err.String(), status, c.flag, c.variable)
		})
	}
}

func checkNamed(t *testing.T, problems string, status int, flag, variable string) {
	t.Helper()
	if status != wrongUsage || !strings.Contains(problems, flag) || !strings.Contains(problems, variable) {
		t.Errorf("exits with %d: %s", status, problems)
	}
}

func TestTheSameKeyForTwoEnvironmentsIsRefused(t *testing.T) {
	t.Parallel()
	_, problems, status := invoked(t, "serve", "--db", harness.Memory, "--addr", "127.0.0.1:0", "--prod-api-key", "tr_x_same", "--dev-api-key", "tr_x_same")
	if status != wrongUsage || !strings.Contains(problems, "API_KEY") {
		t.Errorf("exits with %d: %s", status, problems)
	}
}

func TestAnAddressThatIsTakenIsRefused(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, problems, status := invoked(t, "serve", "--db", harness.Memory, "--addr", taken.Addr().String())
	checkNamed(t, problems, status, "--addr", "RUNHOOK_ADDR")
}

func TestTheHelpExplainsEveryFlag(t *testing.T) {
	t.Parallel()
	out, _, status := invoked(t, "serve", "--help")
	if status != succeeded {
		t.Errorf("exits with %d", status)
	}
	text := strings.Join(strings.Fields(out), " ")
	flags := regexp.MustCompile(`--[a-z-]+=`).FindAllStringIndex(text, -1)
	if len(flags) < 13 {
		t.Errorf("only %d flags are explained", len(flags))
	}
	for i, at := range flags {
		end := len(text)
		if i+1 < len(flags) {
			end = flags[i+1][0]
		}
		if explained := text[at[0]:end]; !strings.Contains(explained, "($RUNHOOK_") || !strings.Contains(explained, "Default: ") {
			t.Errorf("no variable or default: %s", explained)
		}
	}
	for _, want := range []string{"127.0.0.1:3030", "sqlite:./runhook-data/runhook.db", "20s"} {
		if !strings.Contains(text, "Default: "+want) {
			t.Errorf("the default %s is not shown", want)
		}
	}
}

func TestWhatIsNotACommandIsRefused(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{}, {"server"}, {"serve", "--port=1"}, {"serve", "extra"}} {
		if _, problems, status := invoked(t, arguments...); status != wrongUsage || !strings.Contains(problems, "runhook --help") {
			t.Errorf("%v exits with %d: %s", arguments, status, problems)
		}
	}
}

func TestTheVersionIsShown(t *testing.T) {
	t.Parallel()
	for _, argument := range []string{"version", "--version"} {
		if out, _, status := invoked(t, argument); status != succeeded || !strings.HasPrefix(out, "runhook ") {
			t.Errorf("%s exits with %d: %s", argument, status, out)
		}
	}
}

func TestServePrintsKeysOnATerminalAndNotThoseThatWereGiven(t *testing.T) {
	t.Parallel()
	serve := &serveCommand{ProdKey: "tr_prod_abcdefghijklmnopqrst"}
	keys := []server.Key{
		{Environment: protocol.Production, Secret: string(serve.ProdKey), Public: "pk_prod_p"},
		{Environment: protocol.Staging, Secret: "tr_stg_made", Public: "pk_stg_p"},
	}
	for terminal, want := range map[bool]string{true: "tr_stg_made", false: "runhook keys"} {
		var out, log bytes.Buffer
		serve.announceKeys(&out, terminal, slog.New(slog.NewTextHandler(&log, nil)), slices.Clone(keys))
		said := out.String() + log.String()
		if !strings.Contains(said, want) || strings.Contains(said, string(serve.ProdKey)) || strings.Contains(log.String(), "tr_") || !terminal && out.Len() > 0 {
			t.Errorf("on a terminal: %v: it says %s", terminal, said)
		}
	}
}

func TestKeysAreMadeOnceAndNotPrintedIntoAFile(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "runhook.db")
	arguments := []string{"serve", "--addr", "127.0.0.1:0", "--db", database, "--log-format", "json", "--dev-api-key", developmentKey}
	first := program(t, nil, arguments...)
	s := harness.Attach(t, first.ServerURL(), developmentKey)
	if out := first.Out.String(); out != "" {
		t.Errorf("it prints %s", out)
	}
	printed, _, _ := invoked(t, "keys", "--db", database)
	keys := regexp.MustCompile(`tr_[a-z]+_[A-Za-z0-9]+|pk_[a-z]+_[A-Za-z0-9]+`).FindAllString(printed, -1)
	if len(keys) != 8 || keys[4] != developmentKey {
		t.Fatalf("the keys are %v", keys)
	}
	for _, key := range keys {
		want := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[strings.HasPrefix(key, "tr_")]
		if answer := s.As(key).Do("GET", "/api/v1/whoami", nil); answer.Status != want {
			t.Errorf("%s answers %d, want %d", key, answer.Status, want)
		}
		if strings.Contains(first.Err.String(), key) {
			t.Errorf("%s is in the log", key)
		}
	}
	first.Terminate()
	if status := first.ExitStatus(); status != 0 {
		t.Errorf("it exits with %d", status)
	}
	shown, _, status := invoked(t, "keys", "--db", database)
	for _, key := range keys {
		if !strings.Contains(shown, key) || status != succeeded {
			t.Errorf("%s is not shown: %s", key, shown)
		}
		if secret := protocol.WebhookSecret(key); strings.HasPrefix(key, "tr_") && !strings.Contains(shown, "webhook secret  "+secret+"\n") {
			t.Errorf("the webhook secret of %s is not shown: %s", key, shown)
		}
	}
	if only, problems, status := invoked(t, "keys", "development", "--db", database); status != succeeded || only != developmentKey+"\n" {
		t.Errorf("keys development exits with %d: %s%s", status, only, problems)
	}
	second := program(t, nil, append(arguments, "--prod-api-key", "tr_prod_configured0123456789abcdefghij")...)
	s = harness.Attach(t, second.ServerURL(), developmentKey)
	if out := second.Out.String(); out != "" {
		t.Errorf("the second start prints %s", out)
	}
	for key, want := range map[string]int{"tr_prod_configured0123456789abcdefghij": 200, keys[0]: 401, developmentKey: 200} {
		if answer := s.As(key).Do("GET", "/api/v1/whoami", nil); answer.Status != want {
			t.Errorf("with the configured key, %s answers %d, want %d", key, answer.Status, want)
		}
	}
}
