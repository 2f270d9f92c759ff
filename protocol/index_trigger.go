package protocol

import "encoding/json"

// JobVersion names one version of a job.
type JobVersion struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// IndexedIntegration is an integration that something of an app uses.
type IndexedIntegration struct {
	ID       string          `json:"id"`
	Metadata json.RawMessage `json:"metadata"`
	// AuthSource is where its credentials come from: HOSTED, LOCAL or RESOLVER.
	AuthSource string `json:"authSource"`
}

// IndexedHTTPEndpoint is an address at which anyone can call an app through the
// server. Its ID is its key, which is unique in a project.
type IndexedHTTPEndpoint struct {
	ID         string             `json:"id"`
	Version    string             `json:"version"`
	Enabled    bool               `json:"enabled"`
	Title      string             `json:"title,omitempty"`
	Icon       string             `json:"icon,omitempty"`
	Properties []DisplayProperty  `json:"properties,omitempty"`
	Event      EventSpecification `json:"event"`
	// Source is that of the events which its requests become.
	Source string `json:"source"`
	// ImmediateResponseFilter is a filter for the requests that the app answers
	// itself; absent for none.
	ImmediateResponseFilter json.RawMessage `json:"immediateResponseFilter,omitempty"`
	// SkipTriggeringRuns is set when a request that the app answers starts no runs.
	SkipTriggeringRuns bool `json:"skipTriggeringRuns,omitempty"`
}

// IndexedWebhook is a webhook that an app registers with another service by
// itself, and receives at one of its HTTP endpoints.
type IndexedWebhook struct {
	Key    string          `json:"key"`
	Params json.RawMessage `json:"params"`
	// Config is what is wanted of the service: lists of names by option.
	Config       map[string][]string `json:"config"`
	Integration  IndexedIntegration  `json:"integration"`
	HTTPEndpoint struct {
		ID string `json:"id"`
	} `json:"httpEndpoint"`
}

// IndexedSource is an external source of events in the older way: the server
// receives requests of another service, and the app makes events of them.
type IndexedSource struct {
	Version string          `json:"version"`
	Channel string          `json:"channel"`
	Key     string          `json:"key"`
	Params  json.RawMessage `json:"params"`
	// Options are what is wanted of the service: lists of values by name.
	Options           map[string][]string `json:"options"`
	Integration       IndexedIntegration  `json:"integration"`
	RegisterSourceJob *JobVersion         `json:"registerSourceJob,omitempty"`
}

// IndexedDynamicTrigger is a trigger to which an app adds rules as it runs.
type IndexedDynamicTrigger struct {
	ID                string       `json:"id"`
	Jobs              []JobVersion `json:"jobs"`
	RegisterSourceJob *JobVersion  `json:"registerSourceJob,omitempty"`
}

// IndexedDynamicSchedule is a schedule to which an app adds times as it runs.
type IndexedDynamicSchedule struct {
	ID   string       `json:"id"`
	Jobs []JobVersion `json:"jobs"`
}
