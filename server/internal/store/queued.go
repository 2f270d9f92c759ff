package store

import "github.com/runhook/runhook/protocol"

// QueuedRuns counts the runs of an environment that have not begun, up to most: the
// count costs more the longer it is, and nobody asks for more than that.
func (tx *Tx) QueuedRuns(environmentID string, most int) (int, error) {
	return tx.count(`
		SELECT COUNT(*) FROM (
			SELECT 1 FROM runs WHERE environment_id = $1 AND status = '`+string(protocol.RunQueued)+`' LIMIT $2
		) AS queued`, environmentID, most)
}
