package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/runs"
)

// invokeBatch is POST /api/runhook/v1/runs: several invocations in one transaction. Either
// all of them have a run when it is answered, or there is no new run.
func (a *API) invokeBatch(w http.ResponseWriter, r *request) error {
	batch, err := a.readBatch(r)
	if err != nil {
		return err
	}
	ids, err := a.Runs.InvokeBatch(r.Context(), r.environment, batch)
	if errors.Is(err, runs.ErrJobUnavailable) {
		if failed := a.awaitJobs(r, batch); failed != nil {
			return failed
		}
		ids, err = a.Runs.InvokeBatch(r.Context(), r.environment, batch)
	}
	if err != nil {
		return err
	}
	return r.ok(w, protocol.InvokedBatch{Runs: mapped(ids, func(id string) protocol.InvokedRun { return protocol.InvokedRun{ID: id} })})
}

// awaitJobs waits for the jobs of a batch that an indexing may be about to make known.
func (a *API) awaitJobs(r *request, batch []runs.Invocation) error {
	awaited := map[string]bool{}
	for _, in := range batch {
		if awaited[in.JobSlug] {
			continue
		}
		awaited[in.JobSlug] = true
		if _, err := a.Apps.AwaitJob(r.Context(), r.environment, in.JobSlug); err != nil {
			return err
		}
	}
	return nil
}

// readBatch reads the body of a batch of invocations. They are counted before any is
// decoded.
func (a *API) readBatch(r *request) ([]runs.Invocation, error) {
	var body struct {
		Runs json.RawMessage `json:"runs"`
	}
	if err := readKnown(r, &body); err != nil {
		return nil, err
	}
	if !isKind(body.Runs, '[') {
		return nil, model.Errorf(model.Invalid, "Invalid request body: runs must be an array of invocations")
	}
	count := 0
	for range elements(body.Runs) {
		if count++; count > protocol.MaxInvokeBatch {
			return nil, model.Errorf(model.Invalid, "Invalid request body: runs has more than %d invocations; send them in several requests", protocol.MaxInvokeBatch)
		}
	}
	batch := make([]runs.Invocation, 0, count)
	for text := range elements(body.Runs) {
		in, err := a.readBatchItem(text)
		if err != nil {
			return nil, model.Errorf(model.Invalid, "runs.%d: %v", len(batch), err)
		}
		batch = append(batch, in)
	}
	return batch, nil
}

func (a *API) readBatchItem(text []byte) (in runs.Invocation, err error) {
	var item protocol.InvokeBatchItem
	if err := decodeJSON(text, &item); err != nil {
		return in, err
	}
	if item.Job == "" {
		return in, model.Errorf(model.Invalid, "Invalid request body: job is missing; it is the id of the job")
	}
	return a.invocation(item.Job, item.IdempotencyKey, item.InvokeJob)
}
