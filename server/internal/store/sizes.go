package store

// What a transaction is about to load, in bytes. Neither engine loads a text to know
// how long it is.

// RunBytes returns how many bytes the output and the progress statuses of a run have
// together; 0 for a run that is not there.
func (tx *Tx) RunBytes(runID string) (int64, error) {
	return tx.bytes(`
		SELECT `+bytesOf("output")+` + (SELECT COALESCE(SUM(`+statusBytes+`), 0) FROM run_statuses WHERE run_id = runs.id)
		FROM runs WHERE id = $1`, runID)
}

// ExecutionBytes is [Tx.RunBytes] with what started the run.
func (tx *Tx) ExecutionBytes(runID string) (int64, error) {
	return tx.bytes(`
		SELECT `+bytesOf("r.output", "r.yielded_executions", "r.not_asked", "e.payload", "e.context", "e.source_context", "a.metadata")+`
			+ (SELECT COALESCE(SUM(`+statusBytes+`), 0) FROM run_statuses WHERE run_id = r.id)
		FROM runs r JOIN events e ON e.id = r.event_id LEFT JOIN accounts a ON a.id = r.account_id WHERE r.id = $1`, runID)
}

// NotificationBytes returns how many bytes the body of a notification has; 0 for one
// that is not there.
func (tx *Tx) NotificationBytes(id string) (int64, error) {
	return tx.bytes(`SELECT octet_length(b.body) FROM notifications n JOIN notification_bodies b ON b.id = n.body_id WHERE n.id = $1`, id)
}

// EventBytes returns how many bytes the payload and the context of an event of an
// environment have together; 0 for one that is not there.
func (tx *Tx) EventBytes(environmentID, eventID string) (int64, error) {
	return tx.bytes(`SELECT `+bytesOf("payload", "context")+` FROM events WHERE environment_id = $1 AND event_id = $2`, environmentID, eventID)
}

func (tx *Tx) bytes(query string, args ...any) (int64, error) {
	n, _, err := first(tx, query, args, scanInteger)
	return n, err
}
