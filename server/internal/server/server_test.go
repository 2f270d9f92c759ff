package server_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/server"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/test/harness"
	"github.com/runhook/runhook/server/internal/testpostgres"
)

func TestTheProbesNeedNoKey(t *testing.T) {
	t.Parallel()
	harness.EachDatabase(t, func(t *testing.T, database string) {
		s := harness.Start(t, harness.Options{Database: database})
		for path, want := range map[string]string{"/healthz": `{"status":"ok"}` + "\n", "/readyz": `{"status":"ready"}` + "\n", "/healthcheck": "OK"} {
			answer := s.As("").Do("GET", path, nil)
			if answer.Status != 200 || string(answer.Body) != want {
				t.Errorf("%s answers %d %q", path, answer.Status, answer.Body)
			}
			if head := s.As("").Do("HEAD", path, nil); head.Status != 200 || len(head.Body) != 0 {
				t.Errorf("HEAD %s answers %d %q", path, head.Status, head.Body)
			}
		}
	})
}

func TestAServerWithoutItsDatabaseLivesButIsNotReady(t *testing.T) {
	t.Parallel()
	postgres := testpostgres.Start(t)
	s := harness.Start(t, harness.Options{Database: postgres.URL()})
	postgres.Kill(t)
	s.Wait("the server to be unready", func() bool { return s.As("").Do("GET", "/readyz", nil).Status == 503 })
	if answer := s.As("").Do("GET", "/readyz", nil); answer.Error() == "" {
		t.Errorf("/readyz answers %s", answer.Body)
	}
	if answer := s.As("").Do("GET", "/healthcheck", nil); answer.Status != 500 || string(answer.Body) != "ERROR" {
		t.Errorf("/healthcheck answers %d %s", answer.Status, answer.Body)
	}
	if answer := s.As("").Do("GET", "/healthz", nil); answer.Status != 200 {
		t.Errorf("/healthz answers %d", answer.Status)
	}
	// A key is not wrong because it cannot be looked up: the SDKs try again.
	if answer := s.As("tr_dev_never_seen").Do("GET", "/api/v1/whoami", nil); answer.Status != 503 || answer.Error() == "" {
		t.Errorf("/api/v1/whoami answers %d %s", answer.Status, answer.Body)
	}
	postgres.Restart(t)
	s.Wait("the server to be ready again", func() bool { return s.As("").Do("GET", "/readyz", nil).Status == 200 })
}

func TestTheFirstStartMakesTheEnvironments(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.APIKeys = nil }})
	for kind, prefix := range map[protocol.EnvironmentType]string{protocol.Production: "prod", protocol.Staging: "stg", protocol.Development: "dev", protocol.Preview: "prev"} {
		key := s.Key(kind)
		if len(key.Secret) != len("tr__")+len(prefix)+20 || !strings.HasPrefix(key.Secret, "tr_"+prefix+"_") || !strings.HasPrefix(key.Public, "pk_"+prefix+"_") {
			t.Errorf("the keys of %s are %+v", kind, key)
		}
		var shown struct {
			Type         protocol.EnvironmentType
			Project      struct{ ID string }
			Organization struct{ ID string }
		}
		s.As(key.Secret).OK("GET", "/api/v1/whoami", nil, &shown)
		if shown.Type != kind || shown.Project.ID == "" || shown.Organization.ID == "" {
			t.Errorf("the key of %s is for %+v", kind, shown)
		}
	}
}

func TestARestartKeepsEverything(t *testing.T) {
	t.Parallel()
	options := harness.Options{Database: "sqlite:" + filepath.Join(t.TempDir(), "deep", "runhook.db"), Clock: harness.NewClock()}
	first := harness.Start(t, options)
	app := harness.NewApp(t, first)
	until := first.Clock.Now().Add(time.Hour)
	id := app.Run(nil, func(x *harness.Execution) harness.Reply {
		x.Complete(x.Task("a"), "1")
		return harness.Resume(x.Task("sleep", harness.Delay(until), harness.Noop))
	}, func(x *harness.Execution) harness.Reply {
		return harness.Success(string(x.Body.Tasks[0].Output))
	})
	first.Development().WaitRun(id, protocol.RunWaitingToContinue)
	first.Stop()
	// The time came while no server was there.
	options.Clock.AdvanceTo(until.Add(time.Hour))
	app.Lose()
	second := harness.Start(t, options)
	app.Move(second)
	if run := second.Development().WaitRun(id, protocol.RunSuccess); string(run.Output) != "1" {
		t.Errorf("the output is %s", run.Output)
	}
}

func TestADatabaseThatIsInUseIsRefused(t *testing.T) {
	t.Parallel()
	path := "sqlite:" + filepath.Join(t.TempDir(), "runhook.db")
	harness.Start(t, harness.Options{Database: path})
	_, err := server.Open(t.Context(), server.Config{Address: "127.0.0.1:0", Database: path})
	if !errors.Is(err, database.ErrInUse) {
		t.Errorf("the error is %v", err)
	}
}

func TestTheBaseOfURLsIsWhatIsConfigured(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{Adjust: func(c *server.Config) { c.PublicURL = "https://runs.example.com/base/" }})
	if s.URL != "https://runs.example.com/base" {
		t.Errorf("the base is %s", s.URL)
	}
	opened, err := server.Open(t.Context(), server.Config{Address: "0.0.0.0:0", Database: harness.Memory})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if !strings.HasPrefix(opened.URL(), "http://localhost:") {
		t.Errorf("the base on every address is %s", opened.URL())
	}
}

func TestAnAPIKeyThatCanBeGuessedOrTakenForAnotherIsRefused(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"tr_prod_1", "tr_prod_abcdefghijklmnopqrs", "tr_dev_abcdefghijklmnopqrst", "tr_stg_abcdefghijklmnopqrst", "pk_prod_abcdefghijklmnopqrst",
		"tr_prod_abcdefghij klmnopqrst", "tr_prod_abcdefghijklmnopqrs\u00e9", "tr__abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz",
	} {
		_, err := server.Open(t.Context(), server.Config{Database: harness.Memory, APIKeys: map[protocol.EnvironmentType]string{protocol.Production: key}})
		var wrong *server.FieldError
		if !errors.As(err, &wrong) || wrong.Field != "APIKeys[PRODUCTION]" || strings.Contains(err.Error(), key) {
			t.Errorf("%s: the error is %v", key, err)
		}
	}
}

func TestAWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	for field, config := range map[string]server.Config{
		"Address":             {Address: "localhost"},
		"Database":            {Database: "postgres:"},
		"PublicURL":           {PublicURL: "/base"},
		"EgressAllow":         {EgressAllow: "everything"},
		"EgressPorts":         {EgressPorts: "smtp"},
		"TrustedProxies":      {TrustedProxies: "everybody"},
		"EncryptionKey":       {EncryptionKey: "short"},
		"Executions":          {Executions: -1},
		"Deliveries":          {Deliveries: -1},
		"MaximumRequest":      {MaximumRequest: -1},
		"QueuedRuns":          {QueuedRuns: -2},
		"Grace":               {Grace: -time.Second},
		"APIKeys[PRODUCTION]": {APIKeys: map[protocol.EnvironmentType]string{protocol.Production: "key"}},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			_, err := server.Open(t.Context(), config)
			var wrong *server.FieldError
			if !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
