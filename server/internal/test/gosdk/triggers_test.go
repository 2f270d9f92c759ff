package gosdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/filter"
	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// tracker is a service that sends events of issues in repositories.
type tracker struct {
	mu    sync.Mutex
	hooks map[string]hook // by repository
}

// hook is what the service is to call.
type hook struct{ url, secret, earlier string }

type repository struct {
	Name string `json:"name"`
}

type issue struct {
	Title string `json:"title"`
	Votes int    `json:"votes"`
}

// source is the tracker as an app describes it.
func (s *tracker) source() runhook.ExternalSource[repository] {
	return runhook.ExternalSource[repository]{
		Service: "Tracker",
		Register: func(ctx context.Context, r runhook.SourceRegistration[repository]) (runhook.Registered, error) {
			id, err := runhook.Task(ctx, "hook", func(context.Context) (string, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.hooks[r.Params.Name] = hook{r.URL, r.Secret, string(r.Data)}
				return "hook of " + r.Params.Name, nil
			})
			return runhook.Registered{Data: id}, err
		},
		Handle: func(_ context.Context, request *runhook.SourceRequest[repository]) ([]runhook.Event, error) {
			if request.Header.Get("X-Secret") != request.Secret {
				return nil, runhook.NonRetryable(errors.New("the secret is wrong"))
			}
			if string(request.Data) != fmt.Sprintf("%q", "hook of "+request.Params.Name) {
				return nil, fmt.Errorf("the data is %s", request.Data)
			}
			number := 0
			if request.Metadata != nil {
				if err := json.Unmarshal(request.Metadata, &number); err != nil {
					return nil, err
				}
			}
			request.Metadata = fmt.Append(nil, number+1)
			return []runhook.Event{{Name: "issue.opened", Payload: json.RawMessage(request.Body)}, {Name: "ignored"}}, nil
		},
	}
}

// registered waits until the service has a repository and the server knows.
func (a *app) registered(s *tracker, name string) hook {
	a.t.Helper()
	var found hook
	a.server.Wait(name+" to be registered", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		found = s.hooks[name]
		return found.url != ""
	})
	a.server.Wait("the registration to end", func() bool {
		var page struct {
			Runs []struct{ Status protocol.RunStatus }
		}
		a.api.OK("GET", "/api/runhook/v1/runs?job=register-issues&take=100", nil, &page)
		return len(page.Runs) > 0 && !slices.ContainsFunc(page.Runs, func(r struct{ Status protocol.RunStatus }) bool { return r.Status != protocol.RunSuccess })
	})
	return found
}

// call makes a request of the service.
func (a *app) call(h hook, secret, body string) {
	a.t.Helper()
	address, err := url.Parse(h.url)
	a.must(err)
	if answer := a.server.As("").Do("POST", address.Path, body, "X-Secret", secret); answer.Status != http.StatusOK {
		a.t.Fatalf("answered %d %s", answer.Status, answer.Body)
	}
}

// runsOf waits until a job has this many runs, newest first.
func (a *app) runsOf(job string, count int) []string {
	a.t.Helper()
	var ids []string
	a.server.Wait("runs of "+job, func() bool {
		var page struct {
			Runs []struct{ ID string }
		}
		a.api.OK("GET", "/api/runhook/v1/runs?job="+job, nil, &page)
		ids = nil
		for _, run := range page.Runs {
			ids = append(ids, run.ID)
		}
		return len(ids) >= count
	})
	return ids
}

func TestSourcesAreRegisteredWhileTheAppRuns(t *testing.T) {
	harness.EachDatabase(t, func(t *testing.T, database string) {
		service := &tracker{hooks: map[string]hook{}}
		var issues *runhook.DynamicTrigger[issue, repository]
		a := start(t, database, func(app *runhook.App) {
			issues = runhook.NewDynamicTrigger[issue](app, "issues", "issue.opened", service.source())
			runhook.NewJob(app, "triage", "1.0.0", runhook.OnDynamicTrigger(issues), func(ctx context.Context, opened issue) (string, error) {
				run := runhook.CurrentRun(ctx)
				return strings.Join([]string{opened.Title, run.Source.ID, string(run.Source.Metadata), run.Account.ID}, " "), nil
			})
			runhook.NewJob(app, "sign-up", "1.0.0", runhook.OnInvoke[string](), func(ctx context.Context, name string) (none, error) {
				return none{}, issues.Register(ctx, name, repository{name}, runhook.AccountID("bob"))
			})
		})
		a.must(issues.Register(a.ctx, "ann/blue", repository{"blue"}, runhook.AccountID("ann"),
			runhook.Where(filter.Object{"votes": filter.AtLeast(2)})))
		a.api.WaitRun(a.api.Invoke("sign-up", `{"payload":"green"}`), protocol.RunSuccess)
		blue, green := a.registered(service, "blue"), a.registered(service, "green")

		a.call(blue, "guessed", `{"title":"forged","votes":9}`)
		a.call(blue, blue.secret, `{"title":"dull","votes":1}`)
		a.call(blue, blue.secret, `{"title":"bug","votes":2}`)
		a.wantOutput(a.runsOf("triage", 1)[0], `"bug ann/blue 2 ann"`)
		a.call(green, green.secret, `{"title":"wish","votes":0}`)
		runs := a.runsOf("triage", 2)
		a.wantOutput(runs[0], `"wish green 1 bob"`)
		if len(runs) != 2 {
			t.Errorf("there are %d runs, want 2", len(runs))
		}

		a.must(issues.Register(a.ctx, "green", repository{"red"}, runhook.AccountID("bob")))
		red := a.registered(service, "red")
		if red.url != green.url || red.earlier != `"hook of green"` {
			t.Errorf("registered anew as %+v, was %+v", red, green)
		}
	})
}

func TestARequestThatCannotBeHandledIsRetried(t *testing.T) {
	service := &tracker{hooks: map[string]hook{}}
	source := service.source()
	handle := source.Handle
	var attempts atomic.Int32
	source.Handle = func(ctx context.Context, request *runhook.SourceRequest[repository]) ([]runhook.Event, error) {
		if attempts.Add(1) == 1 {
			return nil, errors.New("the database is away")
		}
		return handle(ctx, request)
	}
	var issues *runhook.DynamicTrigger[issue, repository]
	a := start(t, "", func(app *runhook.App) {
		issues = runhook.NewDynamicTrigger[issue](app, "issues", "issue.opened", source)
		runhook.NewJob(app, "triage", "1.0.0", runhook.OnDynamicTrigger(issues), func(_ context.Context, opened issue) (string, error) {
			return opened.Title, nil
		})
	})
	a.must(issues.Register(a.ctx, "blue", repository{"blue"}))
	blue := a.registered(service, "blue")
	a.call(blue, blue.secret, `{"title":"bug","votes":2}`)
	a.server.Wait("the request to be retried", func() bool {
		a.server.Clock.Advance(time.Minute)
		var page struct{ Runs []struct{ ID string } }
		a.api.OK("GET", "/api/runhook/v1/runs?job=triage", nil, &page)
		return len(page.Runs) == 1
	})
	a.wantOutput(a.runsOf("triage", 1)[0], `"bug"`)
}

func TestADynamicTriggerThatIsNotIndexedIsRefused(t *testing.T) {
	a := start(t, "", func(*runhook.App) {})
	service := &tracker{hooks: map[string]hook{}}
	issues := runhook.NewDynamicTrigger[issue](a.sdk, "issues", "issue.opened", service.source())
	err := issues.Register(a.ctx, "blue", repository{"blue"})
	var refused *runhook.APIError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), `"issues"`) {
		t.Errorf("registered with %v", err)
	}
	if err := issues.Register(a.ctx, "", repository{"blue"}); err == nil {
		t.Error("an empty key was taken")
	}
}
