package storetest

import (
	"bytes"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var secretReferenceTests = []test{
	{"a reference to a secret is opened for its environment alone", openedReferences},
	{"secrets that the server made are sealed wherever they are found", sealedSecrets},
	{"a secret that an app gave a source is sealed in the run that registered it", sealedRegistration},
	{"a secret that an app gave a source is recognised in its environment", sealedGiven},
	{"what was kept before a secret was known is looked through, and what follows is sealed", sealedWhatIsKept},
}

// opened is a text as the apps of an environment are called with it.
func (f *fixture) opened(environment *model.Environment, text string) string {
	f.Helper()
	got, err := f.store.OpenSecrets(f.Context(), environment.ID, []byte(text))
	if err != nil {
		f.Fatal(err)
	}
	return string(got)
}

// kept makes a text for the fixture's environment in a transaction.
func (f *fixture) kept(make func(tx *store.Tx) string) string {
	f.Helper()
	return read(f, func(tx *store.Tx) (string, error) { return make(tx), nil })
}

func openedReferences(f *fixture) {
	endpoint := f.saveHTTPEndpoint("shop", f.endpoint)
	for name, c := range map[string]struct{ reference, secret string }{
		"of an HTTP endpoint": {f.kept(func(tx *store.Tx) string { return tx.HTTPEndpointReference(f.environment.ID, endpoint.ID) }), "secret of shop in " + f.environment.ID},
		"of a source":         {f.kept(func(tx *store.Tx) string { return tx.SecretReference(f.environment.ID, `a "secret"`) }), `a \"secret\"`},
	} {
		text := `{"secret":"` + c.reference + `","other":1}`
		equal(f, "what the app receives, "+name, f.opened(f.environment, text), `{"secret":"`+c.secret+`","other":1}`)
		equal(f, "what another environment's app receives, "+name, f.opened(f.other, text), text)
		shown := f.kept(func(tx *store.Tx) string { return string(tx.HideSecrets(f.environment.ID, []byte(text))) })
		equal(f, "what people are shown, "+name, shown, `{"secret":"`+model.HiddenSecret+`","other":1}`)
		sealed := f.kept(func(tx *store.Tx) string {
			return string(tx.SealMembers(f.environment.ID, []byte(`{"a":{"b":"word"},"c":"word"}`), []string{"a.b", "d"}))
		})
		equal(f, "whether a member is kept in clear", strings.Contains(sealed, `"word"`), false)
		equal(f, "the members as the app receives them", f.opened(f.environment, sealed), `{"a":{"b":"word"},"c":"word"}`)
	}
}

func sealedSecrets(f *fixture) {
	secret := strings.Repeat("0123456789abcdef", 4)
	source := model.TriggerSource{
		ID: f.id(model.PrefixTriggerSource), EnvironmentID: f.environment.ID, EndpointID: f.endpoint.ID, Key: "k", Channel: "HTTP",
		Params: []byte(`{}`), Options: model.Options{}, Registered: model.Options{}, Listed: true, RegisterAfter: f.clock.Now(),
	}
	f.update(func(tx *store.Tx) error {
		_, err := tx.InsertTriggerSource(source, secret)
		return err
	})
	text := `{"token":"Bearer ` + secret + `","not one":"` + strings.Repeat("0", 64) + `"}`
	sealed := string(write(f, func(tx *store.Tx) ([]byte, error) { return tx.SealSecrets(f.environment.ID, []byte(text)) }))
	equal(f, "whether it is kept in clear", strings.Contains(sealed, secret), false)
	equal(f, "what the app receives", f.opened(f.environment, sealed), text)
}

func sealedRegistration(f *fixture) {
	source := f.triggerSource("k", "")
	event := f.event()
	run := f.insertRun(func(r *model.Run) { r.EventID = f.insertEventOf(event) })
	given := []byte(`{"secret":"the app's own"}`)
	task := f.insertTask(run, "update", func(t *model.Task) { t.Params = given })
	other := f.insertTask(f.insertRun(), "update", func(t *model.Task) { t.Params = given })
	f.update(func(tx *store.Tx) error {
		source.RegistrationEvent = event.EventID
		if err := tx.SaveTriggerSource(source); err != nil {
			return err
		}
		if err := tx.SetTriggerSourceSecret(source, "the app's own"); err != nil {
			return err
		}
		return tx.SealRegistration(source)
	})
	params := f.storedTask(task).Params
	equal(f, "whether it is kept in clear", bytes.Contains(params, []byte("own")), false)
	equal(f, "what the app receives", f.opened(f.environment, string(params)), string(given))
	equal(f, "the task of another run", string(f.storedTask(other).Params), string(given))
}

// insertEventOf records an event, and returns its id.
func (f *fixture) insertEventOf(event model.Event) string {
	f.Helper()
	equal(f, "the event was inserted", write(f, func(tx *store.Tx) (bool, error) { return tx.InsertEvent(event) }), true)
	return event.ID
}

// giveSecret has an app choose a secret for a source.
func (f *fixture) giveSecret(source model.TriggerSource, secret string) {
	f.Helper()
	f.update(func(tx *store.Tx) error { return tx.SetTriggerSourceSecret(source, secret) })
}

func sealedGiven(f *fixture) {
	const secret = `the app's "own"`
	source := f.triggerSource("k", "")
	seal := func(environment string, text string) string {
		return string(write(f, func(tx *store.Tx) (sealed []byte, err error) { return tx.SealSecrets(environment, []byte(text)) }))
	}
	text := `{"a":"x the app's \"own\" y"}`
	equal(f, "what is kept before the secret is known", seal(f.environment.ID, text), text)
	f.giveSecret(source, secret)
	kept := seal(f.environment.ID, text)
	equal(f, "whether it is kept in clear", strings.Contains(kept, "own"), false)
	equal(f, "what the app receives", f.opened(f.environment, kept), text)
	equal(f, "what is kept already, sealed again", seal(f.environment.ID, kept), kept)
	equal(f, "what another environment keeps", seal(f.other.ID, text), text)
	// To the byte, however a request has written it.
	raw := "a=the+app%27s+%22own%22&b=\xff&c=" + secret
	bytesKept := string(write(f, func(tx *store.Tx) ([]byte, error) { return tx.SealBytes(f.environment.ID, []byte(raw)) }))
	equal(f, "whether the bytes are kept in clear", strings.Contains(bytesKept, "own"), false)
	equal(f, "the bytes that the app receives", f.opened(f.environment, bytesKept), raw)
	plain := write(f, func(tx *store.Tx) (string, error) { return tx.SealText(f.environment.ID, "no "+secret) })
	equal(f, "a text in JSON, as the app receives it", f.opened(f.environment, `"`+plain+`"`), `"no the app's \"own\""`)
	equal(f, "a text of another environment", read(f, func(tx *store.Tx) (string, error) { return tx.SealText(f.other.ID, "no "+secret) }), "no "+secret)
	// Those before the last are still in use.
	for _, another := range []string{"second secret", "third secret", "fourth secret", "fourth secret", "fifth secret"} {
		f.giveSecret(source, another)
	}
	equal(f, "whether the oldest is recognised", seal(f.environment.ID, text) != text, false)
	for _, still := range []string{"second secret", "fifth secret"} {
		equal(f, "whether one of the last four is recognised", seal(f.environment.ID, `"`+still+`"`) != `"`+still+`"`, true)
	}
}

func sealedWhatIsKept(f *fixture) {
	const secret = "whsec_of_the_app"
	text := func(n string) []byte { return []byte(`{"` + n + `":"` + secret + `"}`) }
	source := f.triggerSource("k", "")
	before := f.keepEverywhere(source, "before", text)
	f.update(func(tx *store.Tx) error { return tx.SetValue(f.other.ID, "before", string(text("before"))) })
	f.giveSecret(source, secret)
	after := f.keepEverywhere(source, "after", text)
	// What came after needs no change: of what came before, a value, an event, a task and
	// its attempt, a status and a request do.
	equal(f, "rows that had the secret in clear", f.sweep(), 6)
	for _, id := range []string{before, after} {
		request := find(f, func(tx *store.Tx) (model.IncomingRequest, bool, error) { return tx.SourceRequest(id) })
		equal(f, "the request that the app is handed", string(request.Body), "token="+secret)
		equal(f, "its header", request.Headers["X-Token"], "Bearer "+secret)
		equal(f, "its URL", request.URL, "http://a.test/?token="+secret)
	}
	for _, name := range []string{"before", "after"} {
		value := find(f, func(tx *store.Tx) (string, bool, error) { return tx.Value(f.environment.ID, name) })
		equal(f, "the value that the app reads", value, string(text(name)))
	}
	equal(f, "rows that are changed when it is looked through again", f.sweep(), 0)
}

// sweep looks through what all environments have kept, and returns how many rows were
// changed.
func (f *fixture) sweep() (changed int) {
	f.Helper()
	for {
		sweep, more := findOrNot(f, func(tx *store.Tx) (store.SecretSweep, bool, error) { return tx.NextSecretSweep() })
		if !more {
			return changed
		}
		changed += write(f, func(tx *store.Tx) (int, error) { return tx.SweepSecrets(sweep) })
	}
}

// keepEverywhere keeps a text wherever an environment keeps what it is given, and returns
// the id of a request.
func (f *fixture) keepEverywhere(source model.TriggerSource, name string, text func(string) []byte) (delivery string) {
	f.Helper()
	kept := text(name)
	event := f.event()
	event.EventID, event.Payload, event.Context, event.SourceContext = "event "+name, kept, kept, kept
	run := f.insertRun(func(r *model.Run) { r.EventID = f.insertEventOf(event) })
	task := f.insertTask(run, "task "+name, func(t *model.Task) {
		t.Params, t.ShownParams, t.Properties = kept, kept, kept
		t.Name, t.DisplayKey, t.Description = string(kept), string(kept), "log: "+string(kept)
	})
	delivery = f.id(model.PrefixDelivery)
	f.update(func(tx *store.Tx) error {
		failure := string(kept)
		if err := tx.RetryTask(task, failure, tx.Now()); err != nil {
			return err
		}
		if err := tx.SetOutputProperties(f.environment.ID, task.ID, kept); err != nil {
			return err
		}
		if _, _, err := tx.EndTask(f.environment.ID, task.ID, store.TaskEnd{Transition: model.TaskCompletes, Output: kept}); err != nil {
			return err
		}
		for range 2 {
			status := protocol.ProgressStatus{Key: "k", Label: string(kept), Data: kept}
			if before, found, err := tx.Status(run.ID, "k"); err != nil {
				return err
			} else if found {
				status.History = []protocol.ProgressSnapshot{{Label: "l", Data: before.Data}}
			}
			if err := tx.SaveStatus(f.environment.ID, run.ID, status); err != nil {
				return err
			}
		}
		if err := tx.SetValue(f.environment.ID, name, failure); err != nil {
			return err
		}
		source.Data = kept
		if err := tx.SaveTriggerSource(source); err != nil {
			return err
		}
		if err := tx.SetTriggerSourceMetadata(f.environment.ID, source.ID, kept); err != nil {
			return err
		}
		secret := strings.Split(failure, `"`)[3]
		_, _, err := tx.AddSourceDelivery(model.SourceDelivery{ID: delivery, EnvironmentID: f.environment.ID, Kind: model.SourceHTTP, SourceID: source.ID},
			model.IncomingRequest{URL: "http://a.test/?token=" + secret, Method: "POST", Headers: map[string]string{"X-Token": "Bearer " + secret, name: "1"}, Body: []byte("token=" + secret)})
		return err
	})
	return delivery
}
