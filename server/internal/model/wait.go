package model

// EventWait is someone who waits for one event: that which its dispatcher
// matches first.
type EventWait struct {
	// ID is that of its dispatcher, which says for which events it waits.
	ID            string
	EnvironmentID string
	// URL receives the event.
	URL string
	// RunID and TaskID are the task that the URL completes, and its run; empty for a
	// URL of others.
	RunID, TaskID string
	// Attempts counts how often a call of the URL failed.
	Attempts int
	Lease    Lease
}
