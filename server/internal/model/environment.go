package model

import (
	"time"

	"github.com/runhook/runhook/protocol"
)

// Organization owns projects.
type Organization struct {
	ID, Slug, Title string
	// MaximumExecution bounds the time that the executions of one run may take
	// together.
	MaximumExecution time.Duration
}

// Project owns jobs and environments.
type Project struct {
	ID, Slug, Name string
}

// Environment is what an API key stands for, with its project and organization.
// It is shared between goroutines and must not be changed.
type Environment struct {
	ID   string
	Slug string
	// Shortcode stands for it in addresses that other services are given.
	Shortcode    string
	Type         protocol.EnvironmentType
	Organization Organization
	Project      Project
	// APIKey is the secret key; it must not be logged.
	APIKey    string
	PublicKey string
	// Off says why the environment is switched off, and how it is switched on; empty
	// while it is on.
	Off       string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// CheckOn returns a [Forbidden] error if the environment is switched off.
func (e *Environment) CheckOn() error {
	if e.Off == "" {
		return nil
	}
	return Errorf(Forbidden, "%s is switched off on this server: %s", e.Type, e.Off)
}

// Reference returns the environment as the protocol names it.
func (e *Environment) Reference() protocol.EnvironmentReference {
	return protocol.EnvironmentReference{Slug: e.Slug, ID: e.ID, Type: e.Type}
}

// Endpoint is the URL of an app in an environment.
type Endpoint struct {
	ID            string
	EnvironmentID string
	// Slug is the id of the app's client.
	Slug           string
	URL            string
	IndexingHookID string
	// Version and SDKVersion are what the app last reported; "unknown" before.
	Version    string
	SDKVersion string
	// ExecutionLimit is how long one execution may take before the app's
	// platform stops it, as far as known.
	ExecutionLimit time.Duration
	// ReplacesURL is where the app was whose place this endpoint took when it was
	// last registered, until its index is applied; empty for none.
	ReplacesURL string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Unknown is the version of an endpoint that has reported none.
const Unknown = "unknown"

// IndexStatus is where an indexing of an endpoint is.
type IndexStatus string

// The statuses of an indexing.
const (
	IndexPending IndexStatus = "PENDING"
	IndexStarted IndexStatus = "STARTED"
	IndexSuccess IndexStatus = "SUCCESS"
	IndexFailure IndexStatus = "FAILURE"
)

// IndexSource is who asked for an indexing.
type IndexSource string

// The sources of an indexing.
const (
	IndexFromAPI      IndexSource = "API"
	IndexFromRegister IndexSource = "INTERNAL"
	IndexFromHook     IndexSource = "HOOK"
)

// EndpointIndex is one indexing of an endpoint: asking the app what it can do
// and applying the answer.
type EndpointIndex struct {
	ID            string
	EnvironmentID string
	EndpointID    string
	Source        IndexSource
	SourceData    []byte
	Reason        string
	Status        IndexStatus
	// Stats and Error are JSON; Error is {message, raw?}.
	Stats []byte
	Error []byte
	// MovedFrom is the URL the endpoint had before this indexing found it at another
	// of its origin; empty if it had not moved.
	MovedFrom string
	Attempts  int
	Lease     Lease
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Job is a job of a project, in every environment and version.
type Job struct {
	ID, Slug, Title string
	Internal        bool
}

// JobVersionStatus says whether a version of a job takes new runs.
type JobVersionStatus string

// The statuses of a job version.
const (
	JobActive   JobVersionStatus = "ACTIVE"
	JobDisabled JobVersionStatus = "DISABLED"
)

// Lease is a claim of one process on a row. An outcome is recorded only if the
// row still has it.
type Lease struct {
	Owner  string
	Number int64
}
