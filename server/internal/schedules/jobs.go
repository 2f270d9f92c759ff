package schedules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cron"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// JobChanged makes a job's static schedule in an environment what the job's latest
// version there says. It is to be called in the transaction that changes which
// version is the latest, what that says, or whether it is enabled. A job that is
// disabled does not tick; of one that has another trigger nothing stays.
func (s *Service) JobChanged(tx *store.Tx, environment *model.Environment, job model.Job) error {
	version, found, err := tx.LatestJobVersion(environment, job.Slug)
	if err != nil || !found {
		return err
	}
	if version.Status != model.JobActive {
		_, err := tx.DeactivateSchedule(environment.ID, job.ID, job.ID)
		return err
	}
	specification, _, _, err := tx.LatestSpecification(environment.ID, job.ID)
	if err != nil {
		return err
	}
	var definition struct {
		Trigger protocol.Trigger `json:"trigger"`
	}
	if err := json.Unmarshal(specification, &definition); err != nil {
		return fmt.Errorf("trigger of job %s: %w", job.Slug, err)
	}
	if definition.Trigger.Type != protocol.TriggerScheduled || definition.Trigger.Schedule == nil {
		return tx.DeleteSchedule(environment.ID, job.ID, job.ID)
	}
	_, err = s.save(tx, model.Schedule{
		EnvironmentID: environment.ID, EndpointID: version.Endpoint.ID,
		Kind: model.ScheduleStatic, TargetID: job.ID, Key: job.ID,
	}, *definition.Trigger.Schedule)
	return err
}

// Indexed makes the dynamic schedules of an endpoint those that its index has. The
// schedules that were registered with one stay, and tick while the app has it.
func (s *Service) Indexed(tx *store.Tx, environment *model.Environment, e model.Endpoint, index protocol.Index) error {
	known, err := tx.DynamicSchedulesOfEndpoint(e.ID)
	if err != nil {
		return err
	}
	active := make(map[string]bool, len(known))
	for _, d := range known {
		active[d.Slug] = d.Active
	}
	for _, indexed := range index.DynamicSchedules {
		d, err := tx.SaveDynamicSchedule(model.DynamicSchedule{
			ID: model.NewID(model.PrefixDynamicSchedule, tx.Now()), EnvironmentID: environment.ID, EndpointID: e.ID, Slug: indexed.ID, Active: true,
		})
		if err != nil {
			return err
		}
		if err := setJobs(tx, environment, d, indexed.Jobs); err != nil {
			return err
		}
		if wasActive, wasKnown := active[d.Slug]; wasKnown && !wasActive {
			if err := tx.ResumeSchedules(environment.ID, d.ID); err != nil {
				return err
			}
			if err := s.announce(tx, tx.Now()); err != nil {
				return err
			}
		}
		active[d.Slug] = false // what is left in the end is gone
	}
	for _, d := range known {
		if !active[d.Slug] {
			continue
		}
		d.Active = false
		if _, err := tx.SaveDynamicSchedule(d); err != nil {
			return err
		}
		if err := tx.PauseSchedules(environment.ID, d.ID); err != nil {
			return err
		}
	}
	return nil
}

// setJobs has the ticks of a dynamic schedule start the jobs that an index names.
func setJobs(tx *store.Tx, environment *model.Environment, d model.DynamicSchedule, jobs []protocol.JobVersion) error {
	ids := make([]string, 0, len(jobs))
	for _, named := range jobs {
		id, found, err := tx.JobIDBySlug(environment.Project.ID, named.ID)
		if err != nil {
			return err
		}
		if found {
			ids = append(ids, id)
		}
	}
	return tx.SetJobsOfDynamicSchedule(d.ID, ids)
}

// save makes the schedule with a target and key what is given, and returns it. If
// it ticks as before, its next tick stays. The error is a [*cron.Problem] for a
// schedule that cannot tick.
func (s *Service) save(tx *store.Tx, of model.Schedule, given protocol.Schedule) (model.Schedule, error) {
	when, err := cron.New(given)
	if err != nil {
		return of, err
	}
	of.Type, of.Options, of.Metadata = given.Type, given.Options, given.Metadata
	if given.AccountID != "" {
		if of.AccountID, err = tx.UpsertAccount(of.EnvironmentID, given.AccountID); err != nil {
			return of, err
		}
	}
	now := tx.Now()
	of.ID, of.Active, of.CreatedAt = model.NewID(model.PrefixSchedule, now), true, now.Truncate(time.Millisecond)
	of.NextTick = when.Upcoming(of.CreatedAt, now)
	if inserted, err := tx.InsertSchedule(of); err != nil || inserted {
		return of, cmp.Or(err, s.announce(tx, of.NextTick))
	}
	stored, _, err := tx.LockSchedule(of.EnvironmentID, of.TargetID, of.Key)
	if err != nil {
		return of, err
	}
	of.ID, of.CreatedAt = stored.ID, stored.CreatedAt
	if stored.Active && stored.Type == of.Type && stored.Options == of.Options {
		return of, tx.DescribeSchedule(of)
	}
	of.NextTick = when.Upcoming(beginning(stored), now)
	if err := tx.ChangeSchedule(of); err != nil {
		return of, err
	}
	return of, s.announce(tx, of.NextTick)
}
