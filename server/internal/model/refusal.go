package model

// Refusal is a request of an execution that the server refused, and would refuse
// again: to create a task or to complete one.
type Refusal struct {
	// Execution is the number of the lease of the run at the time.
	Execution int64 `json:"execution"`
	// Key is the idempotency key of the task to create; empty for Task, the id of
	// the one to complete.
	Key  string `json:"key,omitempty"`
	Task string `json:"task,omitempty"`
	// Message is the reason, as the caller was given it.
	Message string `json:"message"`
	// Repeated is set when the same request was sent again. Some SDKs repeat what was
	// refused and then yield, so that the job never hears of it.
	Repeated bool `json:"repeated,omitempty"`
}
