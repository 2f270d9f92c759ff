package runs

import (
	"encoding/json"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/store"
)

// seal takes the secrets of HTTP endpoints and sources out of what is kept of an
// answer.
func seal(tx *store.Tx, environmentID string, result *protocol.ExecutionResult) (err error) {
	for _, text := range []*json.RawMessage{&result.Output, &result.Errors, &result.Issues} {
		if *text, err = tx.SealSecrets(environmentID, *text); err != nil {
			return err
		}
	}
	if result.Error != nil {
		for _, text := range []*string{&result.Error.Message, &result.Error.Stack} {
			if *text, err = tx.SealText(environmentID, *text); err != nil {
				return err
			}
		}
	}
	for i := range result.ChildErrors {
		if err := seal(tx, environmentID, &result.ChildErrors[i]); err != nil {
			return err
		}
	}
	return nil
}
