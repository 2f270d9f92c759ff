package schedules

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cron"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// Register makes a schedule tick under a key of a dynamic schedule, which an app
// has; one that is there under the key is changed. It returns whether it ticks now,
// which in DEVELOPMENT it may not. The error is a [model.Invalid] one if the schedule
// cannot tick, or the app or the dynamic schedule is unknown.
func (s *Service) Register(ctx context.Context, environment *model.Environment, endpointSlug, dynamicSlug string, given protocol.RegisterSchedule) (registered protocol.RegisteredSchedule, err error) {
	if err := check(given); err != nil {
		return registered, err
	}
	if len(given.Metadata) == 0 || string(given.Metadata) == "null" {
		given.Metadata = json.RawMessage("{}")
	}
	registered = protocol.RegisteredSchedule{
		ID: given.ID, Schedule: protocol.Schedule{Type: given.Type, Options: given.Options}, Metadata: given.Metadata,
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		dynamic, err := dynamicSchedule(tx, environment, endpointSlug, dynamicSlug)
		if err != nil {
			return err
		}
		if _, err := s.save(tx, model.Schedule{
			EnvironmentID: environment.ID, EndpointID: dynamic.EndpointID, Kind: model.ScheduleDynamic, TargetID: dynamic.ID, Key: given.ID,
		}, given.Schedule); err != nil {
			return err
		}
		registered.Active, err = s.ticks(tx, environment, endpointSlug)
		return err
	})
	return registered, err
}

// check says what of a registration is wrong.
func check(given protocol.RegisterSchedule) error {
	if given.ID == "" {
		return model.Errorf(model.Invalid, "Invalid request body: id is missing; it is the key of the schedule")
	}
	if given.ID == "." || given.ID == ".." {
		return model.Errorf(model.Invalid, "Invalid request body: id %q cannot be unregistered, as it is taken for a folder in the path of a URL", given.ID)
	}
	if err := model.LimitScheduleKey.Check("Invalid request body: id", given.ID); err != nil {
		return err
	}
	if err := model.LimitAccountID.Check("Invalid request body: accountId", given.AccountID); err != nil {
		return err
	}
	_, err := cron.New(given.Schedule)
	if problem, ok := errors.AsType[*cron.Problem](err); ok {
		return model.Errorf(model.Invalid, "Invalid request body: %v", problem)
	}
	return err
}

// Unregister has the schedule under a key of a dynamic schedule tick no more. It
// gives a [model.Invalid] error for what is not there, as the protocol has it.
func (s *Service) Unregister(ctx context.Context, environment *model.Environment, endpointSlug, dynamicSlug, key string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		dynamic, err := dynamicSchedule(tx, environment, endpointSlug, dynamicSlug)
		if err != nil {
			return err
		}
		found, err := tx.DeactivateSchedule(environment.ID, dynamic.ID, key)
		if err == nil && !found {
			err = model.Errorf(model.Invalid, "Schedule not found: nothing is registered with %q under the key %.100q", dynamicSlug, key)
		}
		return err
	})
}

// dynamicSchedule returns a dynamic schedule that an app has, locked.
func dynamicSchedule(tx *store.Tx, environment *model.Environment, endpointSlug, slug string) (d model.DynamicSchedule, err error) {
	e, found, err := tx.EndpointBySlug(environment.ID, endpointSlug)
	if err != nil {
		return d, err
	}
	if !found {
		return d, model.Errorf(model.Invalid, "Endpoint not found: %s has no endpoint %q", environment.Type, endpointSlug)
	}
	d, found, err = tx.LockDynamicSchedule(e.ID, slug)
	if err == nil && !(found && d.Active) {
		err = model.Errorf(model.Invalid, "Dynamic schedule not found: the app %q has none with the id %q; has it been indexed since it was added?", endpointSlug, slug)
	}
	return d, err
}
