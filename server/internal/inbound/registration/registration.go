// Package registration is what webhooks and sources share: both are registered with
// another service by a run of a job of their app, which may fail.
package registration

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

const (
	// First is how long an app has to register something before it is asked again; it
	// doubles each time, up to Longest.
	First   = time.Minute
	Longest = 24 * time.Hour
)

// Pause returns how long to wait before an app is asked again that was asked a number
// of times in a row, from 0.
func Pause(asked int) time.Duration {
	const doublings = 11 // more would be longer than the longest
	return min(First<<min(max(asked, 0), doublings), Longest)
}

// longestReason bounds the reason that is kept of a failure, in bytes.
const longestReason = 2000

// Failure returns why a run that has ended, and was to register something, has not:
// for people, with the run's id, and valid in every database.
func Failure(ended store.Execution) string {
	return model.KeepableText(fmt.Sprintf("the run %s that was to register it %s", ended.Run.ID, reason(ended.Run)))
}

// Unheard returns why something is not registered for which no job listens: for people.
func Unheard(what, event string) string {
	return fmt.Sprintf("no job registers it: the app lists none that runs on the event %s for this %s. "+
		"Does its index leave out the job, or is the job disabled? It is asked again when the app is indexed", model.KeepableText(event), what)
}

func reason(run model.Run) string {
	if run.Status == protocol.RunSuccess {
		return "succeeded without saying what it has registered: is the update of the source or webhook missing from it?"
	}
	var failure struct {
		Message string `json:"message"`
	}
	text := run.Error()
	message := string(text)
	if json.Unmarshal(text, &failure) == nil && failure.Message != "" {
		message = failure.Message
	}
	return fmt.Sprintf("ended %s: %s", run.Status, model.Shortened(message, longestReason))
}
