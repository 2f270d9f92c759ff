package runs

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/endpoint"
	"github.com/runhook/runhook/server/internal/health"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// longestLogged is how much of a run's error stands in the log, in bytes.
const longestLogged = 200

// noteReach logs when an app cannot be reached or answers with errors, and when it works
// again.
func (e *Engine) noteReach(x store.Execution, outcome endpoint.ExecuteOutcome) {
	app := []any{"endpoint", x.Endpoint.ID, "app", x.Endpoint.Slug, "environment", x.Run.EnvironmentID}
	switch outcome.Kind {
	case endpoint.Interrupted: // by this server
	case endpoint.Transient:
		message := "it gave no usable answer"
		if outcome.Error != nil {
			message = cmp.Or(brief(outcome.Error.Message), message)
		}
		e.apps.Failed(x.Endpoint.ID, peerFailure(outcome.StatusCode), errors.New(message), app...)
	default:
		e.apps.Works(x.Endpoint.ID, app...)
	}
}

// peerFailure returns how an app fails that answers with an HTTP status; 0 for none.
func peerFailure(status int) health.PeerFailure {
	if status == 0 {
		return health.Unreachable
	}
	return health.Erring
}

// logEnd logs, once it is on disk, that a run has ended without success, unless somebody
// canceled it.
func (e *Engine) logEnd(tx *store.Tx, x store.Execution) {
	run := x.Run
	if run.Status == protocol.RunSuccess || run.Status == protocol.RunCanceled {
		return
	}
	failure := tx.HideSecrets(run.EnvironmentID, run.Error())
	message, ok := errorMessage(failure)
	if !ok {
		message = string(failure)
	}
	tx.AfterCommit(func() {
		e.log.Info("a run failed", "run", run.ID, "job", x.Job.Slug, "environment", run.EnvironmentID, "endpoint", x.Endpoint.ID,
			"status", run.Status, "task", run.FailedTaskID, "err", brief(message), "attempts", run.ExecutionCount,
			"duration_ms", run.CompletedAt.Sub(run.CreatedAt).Milliseconds())
	})
}

// brief returns the first line of a message, cut to what the log has room for.
func brief(message string) string {
	message, _, _ = strings.Cut(strings.TrimSpace(message), "\n")
	return model.Shortened(message, longestLogged)
}

// errorMessage returns the message of a stored error.
func errorMessage(raw []byte) (string, bool) {
	var e struct {
		Message *string `json:"message"`
	}
	if raw == nil || json.Unmarshal(raw, &e) != nil || e.Message == nil {
		return "", false
	}
	return *e.Message, true
}
