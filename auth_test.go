package runhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

func tokenOf(_ context.Context, run runhook.RunInfo) (string, error) {
	if run.Account == nil {
		return "", errors.New("no account")
	}
	return "token of " + run.Account.ID, nil
}

func TestAJobGetsItsCredentials(t *testing.T) {
	server, app := newApp(t)
	git := runhook.NewAuth("git", tokenOf)
	job := runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (string, error) {
		return runhook.Task(ctx, "a", func(ctx context.Context) (string, error) { return git.From(ctx), nil })
	}, git)
	invoked, err := job.Invoke(t.Context(), none{}, runhook.AccountID("ann"))
	if err != nil {
		t.Fatal(err)
	}
	server.Settle()
	wantOutput(t, server.Run(invoked.ID), `"token of ann"`)
}

func TestARunWithoutCredentialsEnds(t *testing.T) {
	server, app := newApp(t)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(context.Context, none) (none, error) {
		t.Error("the job ran")
		return none{}, nil
	}, runhook.NewAuth("git", tokenOf), runhook.NewAuth("mail", func(context.Context, runhook.RunInfo) (int, error) { return 1, nil }))
	run := server.Invoke("job", "{}")
	server.Settle()
	wantStatus(t, run, protocol.RunUnresolvedAuth)
	if string(run.Error) != `{"git":{"id":"git","error":"no account"}}` {
		t.Errorf("issues %s", run.Error)
	}
}

func TestAuthsAreIndexedAsIntegrationsOfTheirJob(t *testing.T) {
	job := indexOf(t, func(app *runhook.App) {
		runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), ignore, runhook.NewAuth("git", tokenOf))
	}).Jobs[0]
	if want := `{"git":{"id":"git","metadata":{"id":"git","name":"git"},"authSource":"RESOLVER"}}`; string(job.Integrations) != want {
		t.Errorf("integrations %s", job.Integrations)
	}
}

func TestCredentialsThatTheJobDoesNotUsePanic(t *testing.T) {
	git := runhook.NewAuth("git", tokenOf)
	server, run := define(t, func(ctx context.Context) (string, error) { return git.From(ctx), nil })
	server.Settle()
	if failed := runError(t, run); failed.Name != "panic" || !strings.Contains(failed.Message, `a job which uses the auth "git"`) {
		t.Errorf("failed with %+v", failed)
	}
}

func TestAuthsThatCannotBe(t *testing.T) {
	for want, create := range map[string]func(){
		"the ID is empty":      func() { runhook.NewAuth("", tokenOf) },
		"there is no function": func() { runhook.NewAuth[int]("git", nil) },
	} {
		func() {
			defer func() {
				if message, _ := recover().(string); !strings.Contains(message, want) {
					t.Errorf("panicked with %q, want %q", message, want)
				}
			}()
			create()
		}()
	}
}
