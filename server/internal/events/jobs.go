package events

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/filter"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// JobChanged makes what starts a job's runs in an environment what the job's
// latest version there says. It is to be called in the transaction that changes
// which version is the latest, what that says, or whether it is enabled. What a
// former trigger of another kind had set up is removed; what a disabled job has is
// switched off.
func (s *Service) JobChanged(tx *store.Tx, environment *model.Environment, job model.Job) error {
	specification, status, found, err := tx.LatestSpecification(environment.ID, job.ID)
	if err != nil || !found {
		return err
	}
	if status != model.JobActive {
		return tx.DisableDispatcher(environment.ID, job.ID)
	}
	var definition struct {
		Trigger protocol.Trigger `json:"trigger"`
	}
	if err := json.Unmarshal(specification, &definition); err != nil {
		return fmt.Errorf("trigger of job %s: %w", job.Slug, err)
	}
	if definition.Trigger.Type != protocol.TriggerStatic || definition.Trigger.Rule == nil {
		return tx.DeleteDispatcher(environment.ID, job.ID)
	}
	return saveDispatcher(tx, dispatcherOf(environment, model.DispatchJob, job.ID, *definition.Trigger.Rule))
}

// SourceListens has a source that was registered with a dynamic trigger start the
// jobs of that for each event that a rule is for.
func (s *Service) SourceListens(tx *store.Tx, environment *model.Environment, sourceID string, rule protocol.EventRule) error {
	if _, err := filter.ParseRule(rule.Payload, rule.Context); err != nil {
		return model.Errorf(model.Invalid, "rule: %v", err)
	}
	for _, name := range rule.Event {
		if err := checkName(model.LimitEventName, "rule.event", name); err != nil {
			return err
		}
	}
	if err := checkName(model.LimitEventSource, "rule.source", rule.Source); err != nil {
		return err
	}
	return saveDispatcher(tx, dispatcherOf(environment, model.DispatchDynamicTrigger, sourceID, rule))
}

// Indexed has nothing to do: all that is kept here is that of jobs.
func (s *Service) Indexed(*store.Tx, *model.Environment, model.Endpoint, protocol.Index) error {
	return nil
}

func dispatcherOf(environment *model.Environment, kind model.DispatcherKind, targetID string, rule protocol.EventRule) model.Dispatcher {
	// No event has a name or source that may not be one.
	names := slices.DeleteFunc(slices.Clone([]string(rule.Event)), func(name string) bool { return !isName(model.LimitEventName, name) })
	if !isName(model.LimitEventSource, rule.Source) {
		names = nil
	}
	slices.Sort(names)
	return model.Dispatcher{
		EnvironmentID: environment.ID, Kind: kind, TargetID: targetID, Names: slices.Compact(names),
		Source: rule.Source, PayloadFilter: rule.Payload, ContextFilter: rule.Context, Enabled: true,
	}
}

// saveDispatcher writes a dispatcher unless it is on record as it is: an app has
// many jobs, of which an indexing changes few.
func saveDispatcher(tx *store.Tx, d model.Dispatcher) error {
	stored, found, err := tx.Dispatcher(d.EnvironmentID, d.TargetID)
	if err != nil {
		return err
	}
	d.ID = stored.ID
	if found && reflect.DeepEqual(stored, d) {
		return nil
	}
	if !found {
		d.ID = model.NewID(model.PrefixDispatcher, tx.Now())
	}
	return tx.SaveDispatcher(d)
}
