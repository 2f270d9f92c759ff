package model

import (
	"slices"
	"time"
)

// SourceHTTP is a source in the older way: the app makes events of the requests of
// another service.
const SourceHTTP SourceKind = "HTTP_SOURCE"

// Options are what is wanted of a service, or registered with it: lists of values
// by name.
type Options map[string][]string

// Without returns the values of o that other does not have, with an entry for each
// name of either.
func (o Options) Without(other Options) Options {
	left := Options{}
	for name := range other {
		left[name] = []string{}
	}
	for name, values := range o {
		left[name] = []string{}
		for _, value := range values {
			if !slices.Contains(other[name], value) && !slices.Contains(left[name], value) {
				left[name] = append(left[name], value)
			}
		}
	}
	return left
}

// IsEmpty reports whether no name has a value.
func (o Options) IsEmpty() bool {
	for _, values := range o {
		if len(values) > 0 {
			return false
		}
	}
	return true
}

// TriggerSource is something at another service of whose doings an app makes
// events.
type TriggerSource struct {
	ID            string
	EnvironmentID string
	EndpointID    string
	// Key is by which the app knows it.
	Key     string
	Channel string
	// Integration is the id of that by which the app talks to the service.
	Integration string
	Params      []byte
	// Options are wanted, Registered are those that are registered with the service.
	Options    Options
	Registered Options
	// Data is what the app keeps of its registration with the service, Metadata
	// what it keeps between requests; JSON, nil for nothing.
	Data     []byte
	Metadata []byte
	// DynamicTriggerID is that of the trigger it was registered with, by the key
	// DynamicKey; empty for one that the app's index lists.
	DynamicTriggerID string
	DynamicKey       string
	AccountID        string
	// Listed is set while the app has it, Active once it is registered.
	Listed bool
	Active bool
	// Registrations counts how often in a row the app was asked to register it, and
	// RegisterAfter is when it may be asked again.
	Registrations int
	RegisterAfter time.Time
	// RegistrationEvent is the event id of the event that asked last, which may be due
	// later. RegistrationError is why the registration before it failed; empty if none
	// did since all of it is registered.
	RegistrationEvent string
	RegistrationError string
}

// Unregistered reports whether not all that is wanted is registered
// and no more.
func (s TriggerSource) Unregistered() bool {
	return !s.Active || !s.Options.Without(s.Registered).IsEmpty() || !s.Registered.Without(s.Options).IsEmpty()
}

// DynamicTrigger is a trigger to which an app adds rules as it runs.
type DynamicTrigger struct {
	ID            string
	EnvironmentID string
	EndpointID    string
	// Slug is its id in the app.
	Slug string
	// Active is set while the app has it.
	Active bool
}
