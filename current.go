package runhook

import (
	"context"
	"encoding/json"
	"time"

	"github.com/runhook/runhook/protocol"
)

// RunInfo is the run that a job's code is executed for.
type RunInfo struct {
	// ID is the run's ID.
	ID string
	// IsTest says whether somebody is trying the job out.
	IsTest bool
	// StartedAt is when this execution started; the first of a run is not the
	// last.
	StartedAt time.Time
	// Job is the version of the job that the run was created for.
	Job          protocol.JobReference
	Environment  protocol.EnvironmentReference
	Organization protocol.OrganizationReference
	Project      protocol.ProjectReference
	// Account is whom the run is for, nil if for nobody in particular.
	Account *protocol.AccountReference
	// Event is what the run was started by.
	Event RunEvent
	// Source is the schedule, or the registration with a [DynamicTrigger], that
	// started the run; nil if none did.
	Source *RunSource
}

// RunSource is a schedule or a registration that started a run.
type RunSource struct {
	// ID is the key under which it was registered with a [DynamicSchedule] or a
	// [DynamicTrigger]; for other schedules it means nothing.
	ID string `json:"id"`
	// Metadata is what was registered as [Metadata], or what a [SourceRequest] has
	// left, as JSON.
	Metadata json.RawMessage `json:"metadata"`
}

// RunEvent is what a run was started by.
type RunEvent struct {
	ID        string
	Name      string
	Timestamp time.Time
	// Context is what was sent along with the payload, as JSON.
	Context json.RawMessage
}

// CurrentRun returns the run that ctx belongs to, or a zero RunInfo if it is
// not the context of a run.
func CurrentRun(ctx context.Context) RunInfo {
	if s := branchFrom(ctx); s != nil {
		return s.execution.run
	}
	return RunInfo{}
}

func currentRun(request *protocol.ExecuteJob) RunInfo {
	run := RunInfo{
		ID: request.Run.ID, IsTest: request.Run.IsTest, StartedAt: request.Run.StartedAt.Time,
		Job: request.Job, Environment: request.Environment, Organization: request.Organization,
		Project: protocol.ProjectReference{ID: "unknown", Slug: "unknown", Name: "unknown"},
		Account: request.Account,
		Event: RunEvent{
			ID: request.Event.ID, Name: request.Event.Name,
			Timestamp: request.Event.Timestamp.Time, Context: request.Event.Context,
		},
	}
	if request.Project != nil {
		run.Project = *request.Project
	}
	if json.Unmarshal(request.Source, &run.Source) != nil {
		run.Source = nil
	}
	return run
}
