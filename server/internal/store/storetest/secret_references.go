package storetest

import (
	"bytes"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var secretReferenceTests = []test{
	{"a reference to a secret is opened for its environment alone", openedReferences},
	{"secrets that the server made are sealed wherever they are found", sealedSecrets},
	{"a secret that an app gave a source is sealed in the run that registered it", sealedRegistration},
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
	sealed := string(read(f, func(tx *store.Tx) ([]byte, error) { return tx.SealSecrets([]byte(text)) }))
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
		return tx.SealRegistration(source, "the app's own")
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
