package protocol

import "encoding/json"

// EventLog is an event as the server has it: the answer to sending or canceling
// one. Times that have not come are null.
type EventLog struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Payload     json.RawMessage `json:"payload"`
	Context     json.RawMessage `json:"context"`
	Timestamp   Time            `json:"timestamp"`
	DeliverAt   *Time           `json:"deliverAt"`
	DeliveredAt *Time           `json:"deliveredAt"`
	CancelledAt *Time           `json:"cancelledAt"`
}

// EventDetails is the answer to GET /api/v2/events/:eventId. Runs are in the order
// they were created.
type EventDetails struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedAt Time       `json:"createdAt"`
	UpdatedAt Time       `json:"updatedAt"`
	Runs      []EventRun `json:"runs"`
}

// EventRun is a run that an event started.
type EventRun struct {
	ID          string    `json:"id"`
	Status      RunStatus `json:"status"`
	StartedAt   *Time     `json:"startedAt"`
	CompletedAt *Time     `json:"completedAt"`
}

// CanceledRuns is the answer to canceling all runs of an event or a job.
type CanceledRuns struct {
	Canceled []string `json:"cancelledRunIds"`
	Failed   []string `json:"failedToCancelRunIds"`
}
