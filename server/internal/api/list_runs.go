package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

// listedRun is a run as our own API returns it.
type listedRun struct {
	ID     string                `json:"id"`
	Job    protocol.JobReference `json:"job"`
	Status protocol.RunStatus    `json:"status"`
	IsTest bool                  `json:"isTest"`
	// Event is what started it, by the id that the caller knows.
	Event                 eventReference `json:"event"`
	AccountID             string         `json:"accountId,omitempty"`
	CallbackURL           string         `json:"callbackUrl,omitempty"`
	ExecutionCount        int            `json:"executionCount"`
	ExecutionDurationInMs int64          `json:"executionDurationInMs"`
	CreatedAt             protocol.Time  `json:"createdAt"`
	StartedAt             *protocol.Time `json:"startedAt"`
	CompletedAt           *protocol.Time `json:"completedAt"`
	UpdatedAt             protocol.Time  `json:"updatedAt"`
	// DurationInMs is the time from its start to its end; absent before.
	DurationInMs *int64 `json:"durationInMs,omitempty"`
}

type eventReference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func encodeRun(l store.ListedRun) listedRun {
	r := l.Run
	response := listedRun{
		ID: r.ID, Job: protocol.JobReference{ID: l.JobSlug, Version: l.Version}, Status: r.Status, IsTest: r.IsTest,
		Event: eventReference{l.EventID, l.EventName}, AccountID: l.Account, CallbackURL: r.CallbackURL,
		ExecutionCount: r.ExecutionCount, ExecutionDurationInMs: r.ExecutionDuration.Milliseconds(),
		CreatedAt: protocol.At(r.CreatedAt), StartedAt: protocol.AtOrNil(r.StartedAt),
		CompletedAt: protocol.AtOrNil(r.CompletedAt), UpdatedAt: protocol.At(r.UpdatedAt),
	}
	if !r.StartedAt.IsZero() && !r.CompletedAt.IsZero() {
		duration := r.CompletedAt.Sub(r.StartedAt).Milliseconds()
		response.DurationInMs = &duration
	}
	return response
}

// listRuns is GET /api/runhook/v1/runs, newest first, with the filters job,
// status (may be given several times, or with commas), test, from and to (RFC
// 3339; runs made from the one and before the other), and the paging parameters
// cursor and take. A page may have fewer runs than take and still a nextCursor:
// what is rare is looked for a piece at a time.
func (a *API) listRuns(w http.ResponseWriter, r *request) error {
	filter, err := runFilter(r)
	if err != nil {
		return err
	}
	return answerList(a, w, r, listAnswer[listedRun]{"runs", filter.Limit, func(tx *store.Tx, page store.Page) ([]listedRun, string, error) {
		jobID, found, err := jobParameter(tx, r)
		if err != nil || !found {
			return nil, "", err
		}
		filter.JobID = jobID
		runs, next, err := tx.Runs(r.environment.ID, filter)
		return mapped(runs, encodeRun), next, err
	}})
}

// jobParameter returns the id of the job that the query names, empty if it names
// none; found is false for a job that is not there.
func jobParameter(tx *store.Tx, r *request) (id string, found bool, err error) {
	slug := r.URL.Query().Get("job")
	if slug == "" {
		return "", true, nil
	}
	return tx.JobIDBySlug(r.environment.Project.ID, slug)
}

func runFilter(r *request) (filter store.RunFilter, err error) {
	query := r.URL.Query()
	filter.Cursor = query.Get("cursor")
	if filter.Limit, err = numberParameter(r, "take", usualPage, mostPage); err != nil {
		return filter, err
	}
	for _, list := range query["status"] {
		for name := range strings.SplitSeq(list, ",") {
			status := protocol.RunStatus(name)
			if !slices.Contains(knownStatuses, status) {
				return filter, model.Errorf(model.Invalid, "Invalid query parameter: status must be one of %v, not %q", knownStatuses, name)
			}
			filter.Statuses = append(filter.Statuses, status)
		}
	}
	if filter.IsTest, err = choiceParameter(r, "test"); err != nil {
		return filter, err
	}
	if filter.From, err = timeParameter(r, "from"); err != nil {
		return filter, err
	}
	filter.To, err = timeParameter(r, "to")
	return filter, err
}

// knownStatuses are those that a run can have.
var knownStatuses = func() []protocol.RunStatus {
	known := slices.Clone(model.OpenRunStatuses())
	for _, transition := range model.RunTransitions {
		if !slices.Contains(known, transition.To) {
			known = append(known, transition.To)
		}
	}
	return known
}()

// choiceParameter returns a query parameter as a truth value; nil when it is absent.
func choiceParameter(r *request, name string) (*bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return nil, nil
	}
	choice, err := strconv.ParseBool(text)
	if err != nil {
		return nil, model.Errorf(model.Invalid, "Invalid query parameter: %s must be true or false, not %q", name, text)
	}
	return &choice, nil
}

// timeParameter returns a query parameter as a time; zero when it is absent.
func timeParameter(r *request, name string) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, model.Errorf(model.Invalid, "Invalid query parameter: %s must be a time such as 2026-03-01T10:00:00Z, not %q", name, text)
	}
	return at, nil
}
