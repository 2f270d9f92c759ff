package model

import "time"

// HTTPEndpoint is an address at which anyone can call the apps of a project, as an
// app uses it in an environment.
type HTTPEndpoint struct {
	ID  string
	Key string
	// EnvironmentID and EndpointID are where the app is that gets the requests.
	EnvironmentID string
	EndpointID    string
	// Active is set while the app lists it as enabled.
	Active bool
	// Source is that of the events which its requests become.
	Source string
	// ImmediateResponseFilter is a filter for the requests that the app answers
	// itself, as JSON; nil for none.
	ImmediateResponseFilter []byte
	// SkipTriggeringRuns is set when a request that the app answers starts no runs.
	SkipTriggeringRuns bool
}

// Webhook is one that an app registers with another service, in an environment,
// and receives at an HTTP endpoint.
type Webhook struct {
	ID             string
	EnvironmentID  string
	EndpointID     string
	HTTPEndpointID string
	Key            string
	// Params are what the app made it with, as JSON.
	Params []byte
	// Listed is set while the app has it, Active while it is registered.
	Listed, Active bool
	// Config is what is registered, nil before it ever was; DesiredConfig is what
	// the app wants. Both are JSON: lists of texts by name.
	Config, DesiredConfig []byte
	// RegisteredWith stands for the address and the params that it is registered
	// with; empty if that is not known.
	RegisteredWith string
	// Registrations counts how often the app was asked to register it as it is
	// wanted; before RegisterAfter it is not asked again.
	Registrations int
	RegisterAfter time.Time
	// RegistrationEvent is the event id of the event that asked last, which may be due
	// later. RegistrationError is why the registration before it failed; empty if none
	// did since it is registered as wanted.
	RegistrationEvent string
	RegistrationError string
}
