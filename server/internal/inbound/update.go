package inbound

import (
	"context"
	"time"

	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Registered records that an app of an environment has registered its webhook with
// the config, and returns the webhook's id. If the app wants another by now, it is
// asked again. It gives a [model.NotFound] error for a webhook that the environment
// does not have.
func (s *Service) Registered(ctx context.Context, environment *model.Environment, key string, config map[string][]string) (id string, err error) {
	text, err := encodeConfig(config)
	if err != nil {
		return "", err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		webhook, found, err := tx.WebhookRegistered(environment.ID, key, text)
		if err != nil {
			return err
		}
		if !found {
			return errorWebhookNotFound(key)
		}
		id = webhook.ID
		webhook.RegisteredWith = s.registeredWith(environment, webhook)
		if err := tx.SetWebhookRegisteredWith(webhook.ID, webhook.RegisteredWith); err != nil {
			return err
		}
		if s.isRegistered(environment, webhook) {
			if err := tx.CancelDueEvent(environment.ID, webhook.RegistrationEvent); err != nil {
				return err
			}
			webhook.Registrations, webhook.RegisterAfter, webhook.RegistrationError = 0, time.Time{}, ""
			return tx.SaveRegistration(webhook)
		}
		// What it wants now it may not have been asked for yet.
		if !webhook.Listed || webhook.Registrations > 0 {
			return nil
		}
		return s.register(tx, environment, webhook)
	})
	return id, err
}

// NotRegistered records that an app of an environment could not register its
// webhook: what comes for it is dropped. It returns the webhook's id, and errors as
// Registered does.
func (s *Service) NotRegistered(ctx context.Context, environment *model.Environment, key string) (id string, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		webhook, found, err := tx.WebhookNotRegistered(environment.ID, key)
		if err == nil && !found {
			err = errorWebhookNotFound(key)
		}
		id = webhook.ID
		return err
	})
	return id, err
}

func errorWebhookNotFound(key string) error {
	return model.Errorf(model.NotFound, "Webhook not found: the environment has no webhook %q", key)
}
