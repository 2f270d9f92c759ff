package model

// DispatcherKind is what a dispatcher starts.
type DispatcherKind string

const (
	// DispatchJob starts a run of a job; the target is the job's id.
	DispatchJob DispatcherKind = "JOB"
	// DispatchWait ends a wait for an event; the target stands for the URL that is
	// notified of the event.
	DispatchWait DispatcherKind = "WAIT"
	// DispatchDynamicTrigger starts runs of the jobs of a dynamic trigger; the target
	// is the id of the source that was registered with it.
	DispatchDynamicTrigger DispatcherKind = "DYNAMIC_TRIGGER"
)

// Dispatcher listens for events of an environment and starts its target for each
// that matches. A target has one dispatcher in an environment.
type Dispatcher struct {
	ID            string
	EnvironmentID string
	Kind          DispatcherKind
	TargetID      string
	// Names are the names of the events, of which one must be the event's, and
	// Source is what must be its source.
	Names  []string
	Source string
	// PayloadFilter and ContextFilter are event filters; nil matches everything.
	PayloadFilter []byte
	ContextFilter []byte
	// AccountID is the account whose events match; empty for all events.
	AccountID string
	Enabled   bool
}
