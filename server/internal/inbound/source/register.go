package source

import (
	"context"
	"slices"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/events"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Registration adds a source to a dynamic trigger.
type Registration struct {
	// Endpoint and DynamicTrigger are the ids of the app's client and of its dynamic
	// trigger, Key is by which the app knows the registration.
	Endpoint, DynamicTrigger, Key string
	// EventID is for the event that has the app register the source; empty to have
	// it given one.
	EventID string
	protocol.RegisterTrigger
}

// Register adds a source to a dynamic trigger, or changes the one with the same
// key, and has the app register it with its service if that does not have all of
// it. The error is [model.Invalid] for what the environment does not have or
// cannot keep (docs/protocol/triggers.md §5.4).
func (s *Service) Register(ctx context.Context, environment *model.Environment, r Registration) (state protocol.RegisterSource, err error) {
	if err := r.check(); err != nil {
		return state, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		app, err := endpointOf(tx, environment, r.Endpoint)
		if err != nil {
			return err
		}
		dynamicTrigger, found, err := tx.DynamicTriggerBySlug(app.ID, r.DynamicTrigger)
		if err != nil {
			return err
		}
		if !found || !dynamicTrigger.Active {
			return model.Errorf(model.Invalid, "Dynamic trigger not found: the app %q has none with the id %q", r.Endpoint, r.DynamicTrigger)
		}
		wanted := fromIndex(environment, app, r.Source)
		wanted.Key = dynamicTrigger.ID + ":" + r.Key + ":" + r.Source.Key
		wanted.DynamicTriggerID, wanted.DynamicKey = dynamicTrigger.ID, r.Key
		if r.AccountID != "" {
			if wanted.AccountID, err = tx.UpsertAccount(environment.ID, r.AccountID); err != nil {
				return err
			}
		}
		state, err = s.register(tx, environment, wanted, r)
		return err
	})
	return state, err
}

func (s *Service) register(tx *store.Tx, environment *model.Environment, wanted model.TriggerSource, r Registration) (state protocol.RegisterSource, err error) {
	source, err := save(tx, wanted)
	if err != nil {
		return state, err
	}
	if err := s.config.Events.SourceListens(tx, environment, source.ID, r.Rule); err != nil {
		return state, err
	}
	if state, err = s.state(tx, source); err != nil || !source.Unregistered() {
		return state, err
	}
	eventID := r.EventID
	if eventID == "" {
		eventID = newEventID(tx, source)
	}
	return state, s.ask(tx, environment, source, eventID, tx.Now())
}

// newEventID returns an id for an event that asks an app to register a source.
func newEventID(tx *store.Tx, source model.TriggerSource) string {
	return model.NewID(source.ID+":", tx.Now())
}

// check returns a [model.Invalid] error that says what of a registration cannot be
// kept, if anything.
func (r Registration) check() error {
	switch {
	case len(r.Rule.Event) == 0:
		return model.Errorf(model.Invalid, "Invalid request body: rule.event is missing")
	case r.Rule.Source == "":
		return model.Errorf(model.Invalid, "Invalid request body: rule.source is missing")
	case r.Source.Key == "" || r.Source.Channel == "":
		return model.Errorf(model.Invalid, "Invalid request body: source must have a key and a channel")
	case len(r.Source.Options["event"]) == 0:
		return model.Errorf(model.Invalid, "Invalid request body: source.options.event is missing")
	}
	if err := model.LimitSourceKey.Check("The key of the registration and that of its source together", r.Key+r.Source.Key); err != nil {
		return err
	}
	for field, text := range map[string]string{"The key of the registration": r.Key, "source.key": r.Source.Key} {
		if err := model.CheckCarried(field, text); err != nil {
			return err
		}
	}
	if err := model.LimitEventID.Check(protocol.HeaderIdempotencyKey, r.EventID); err != nil {
		return err
	}
	return events.SendOptions{AccountID: r.AccountID}.Check()
}

func endpointOf(tx *store.Tx, environment *model.Environment, slug string) (model.Endpoint, error) {
	app, found, err := tx.EndpointBySlug(environment.ID, slug)
	if err == nil && !found {
		err = model.Errorf(model.Invalid, "Endpoint not found: %s has no endpoint %q", environment.Type, slug)
	}
	return app, err
}

// Registered records that the app with the slug has registered its source with the
// key, and with what. What of that the app no longer wants gives a [model.Invalid]
// error and changes nothing, and so does a source that the environment does not
// have.
func (s *Service) Registered(ctx context.Context, environment *model.Environment, slug, key string, update protocol.UpdateSource) (id string, err error) {
	if err := checkSecret(update.Secret); err != nil {
		return "", err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		app, err := endpointOf(tx, environment, slug)
		if err != nil {
			return err
		}
		source, found, err := tx.LockTriggerSource(environment.ID, key)
		if err != nil {
			return err
		}
		if !found {
			return model.Errorf(model.Invalid, "Source not found: %s has no source %q", environment.Type, key)
		}
		for name, values := range model.Options(update.Options).Without(source.Options) {
			if len(values) > 0 {
				return model.Errorf(model.Invalid, "Unknown option: the source %q has no %s %v", key, name, values)
			}
		}
		id = source.ID
		source.EndpointID, source.Active, source.Data, source.Registrations = app.ID, true, update.Data, 0
		source.Registered = registered(source, update.Options)
		if !source.Unregistered() {
			source.RegistrationError = ""
			if err := tx.CancelDueEvent(environment.ID, source.RegistrationEvent); err != nil {
				return err
			}
		}
		if update.Secret != "" {
			if err := tx.SetTriggerSourceSecret(source, update.Secret); err != nil {
				return err
			}
			// What the app kept of it in the run that registered the source.
			if err := tx.SealRegistration(source); err != nil {
				return err
			}
		}
		return tx.SaveTriggerSource(source)
	})
	return id, err
}

// checkSecret returns a [model.Invalid] error for a secret that an app could not be handed
// with each request, in a header.
func checkSecret(secret string) error {
	const field = "Invalid request body: secret"
	const most = 1000
	if len(secret) > most {
		return model.Errorf(model.Invalid, "%s must have at most %d bytes, not %d: it is handed to the app in a header", field, most, len(secret))
	}
	if model.CheckCarried(field, secret) == nil {
		return nil
	}
	// Never the secret itself, not even a character of it.
	return model.Errorf(model.Invalid, "%s is handed to the app in a header, and no header can carry it as it is: use characters from U+0020 to U+00FF, and no white space at its ends", field)
}

// registered returns what of a source's options is registered with the service, now
// that more is.
func registered(source model.TriggerSource, options model.Options) model.Options {
	all := model.Options{}
	for name, wanted := range source.Options {
		all[name] = slices.DeleteFunc(slices.Clone(wanted), func(value string) bool {
			return !slices.Contains(options[name], value) && !slices.Contains(source.Registered[name], value)
		})
	}
	return all
}
