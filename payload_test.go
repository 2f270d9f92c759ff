package runhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

type order struct {
	ID    string `json:"id"`
	Lines []line `json:"lines"`
}

type line struct {
	Quantity int `json:"quantity"`
}

func (o *order) Validate() error {
	if o.ID == "bad" {
		return errors.Join(errors.New("the id is bad"), errors.New("so is the rest"))
	}
	return nil
}

func TestPayloadsThatDoNotFitEndTheRun(t *testing.T) {
	cases := map[string]struct{ payload, want string }{
		"a field of another type": {`{"id":7}`, `[{"path":["id"],"message":"Expected string, received number"}]`},
		"a field deep inside":     {`{"id":"o","lines":[{"quantity":"x"}]}`, `[{"path":["lines","0","quantity"],"message":"Expected integer, received string"}]`},
		"another type altogether": {`[1]`, `[{"path":[],"message":"Expected object, received array"}]`},
		"a fraction of a whole":   {`{"id":"o","lines":[{"quantity":1.5}]}`, `[{"path":["lines","0","quantity"],"message":"Expected integer, received number 1.5"}]`},
		"fields that are missing": {`{"lines":[{}]}`, `[{"path":["id"],"message":"Required"},{"path":["lines","0","quantity"],"message":"Required"}]`},
		"nothing at all":          {`null`, `[{"path":["id"],"message":"Required"}]`},
		"null for a string":       {`{"id":null}`, `[{"path":["id"],"message":"Expected string, received null"}]`},
		"what Validate refuses":   {`{"id":"bad"}`, `[{"path":[],"message":"the id is bad"},{"path":[],"message":"so is the rest"}]`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server, app := newApp(t)
			runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[order](), func(context.Context, order) (none, error) {
				t.Error("the job ran")
				return none{}, nil
			})
			run := server.Invoke("job", c.payload)
			server.Settle()
			wantStatus(t, run, protocol.RunInvalidPayload)
			if string(run.Error) != c.want {
				t.Errorf("errors %s, want %s", run.Error, c.want)
			}
		})
	}
}

func TestPayloadsThatFitArrive(t *testing.T) {
	t.Run("a struct", func(t *testing.T) { arrives(t, `{"id":"o","more":true}`, order{ID: "o"}) })
	t.Run("null for nothing that is required", func(t *testing.T) { arrives(t, `null`, none{}) })
	t.Run("names in another case", func(t *testing.T) {
		arrives(t, `{"ID":"o","Lines":[{"QUANTITY":1}]}`, order{ID: "o", Lines: []line{{1}}})
	})
	t.Run("JSON as it is", func(t *testing.T) {
		arrives(t, `{"n":12345678901234567890}`, json.RawMessage(`{"n":12345678901234567890}`))
	})
}

func TestAStrictPayloadHasNoOtherFields(t *testing.T) {
	server, app := newApp(t)
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[order](), func(context.Context, order) (none, error) {
		return none{}, nil
	}, runhook.StrictPayload(true))
	run := server.Invoke("job", `{"id":"o","lines":[{"quantity":1,"more":1}],"extra":2}`)
	server.Settle()
	wantStatus(t, run, protocol.RunInvalidPayload)
	if want := `[{"path":["lines","0","more"],"message":"Unrecognized key"},{"path":["extra"],"message":"Unrecognized key"}]`; string(run.Error) != want {
		t.Errorf("errors %s, want %s", run.Error, want)
	}
}

func arrives[Payload any](t *testing.T, payload string, want Payload) {
	server, app := newApp(t)
	var got Payload
	runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[Payload](), func(_ context.Context, p Payload) (none, error) {
		got = p
		return none{}, nil
	})
	run := server.Invoke("job", payload)
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	gotText, _ := json.Marshal(got)
	if wantText, _ := json.Marshal(want); string(gotText) != string(wantText) {
		t.Errorf("got %s, want %s", gotText, wantText)
	}
}

func TestAJobKnowsItsRun(t *testing.T) {
	server, app := newApp(t)
	var got runhook.RunInfo
	job := runhook.NewJob(app, "job", "1.0.0", runhook.OnInvoke[none](), func(ctx context.Context, _ none) (none, error) {
		got = runhook.CurrentRun(ctx)
		return none{}, nil
	})
	invoked, err := job.Invoke(t.Context(), none{}, runhook.AccountID("acct_1"), runhook.Context(map[string]int{"trace": 5}))
	if err != nil {
		t.Fatal(err)
	}
	run := server.Run(invoked.ID)
	run.IsTest = true
	server.Settle()
	if got.ID != run.ID || !got.IsTest || got.Job.ID != "job" || got.Environment.Slug != "dev" || got.Organization.Slug != "acme" ||
		got.Project.Name != "Web" || got.Account.ID != "acct_1" || string(got.Event.Context) != `{"trace":5}` ||
		got.Event.Name != "invoke" || !got.Event.Timestamp.Equal(server.Now()) || !got.StartedAt.Equal(server.Now()) {
		t.Errorf("the run is %+v", got)
	}
	if outside := runhook.CurrentRun(t.Context()); outside.ID != "" {
		t.Errorf("outside of a run there is %+v", outside)
	}
}
