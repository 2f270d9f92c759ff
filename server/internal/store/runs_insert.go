package store

import (
	"slices"
	"strconv"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
)

// InsertRun records a new run. With a lease it is EXECUTING and belongs to the
// leasing process; without, it is QUEUED and due now, or at its StartAt.
func (tx *Tx) InsertRun(r model.Run) error {
	return tx.conn.Queue(insertOneRun, runValues(nil, r), nil)
}

// InsertRuns is InsertRun for any number of runs.
func (tx *Tx) InsertRuns(runs []model.Run) error {
	for together := range slices.Chunk(runs, runsTogether) {
		if len(together) < runsTogether {
			for _, run := range together {
				if err := tx.InsertRun(run); err != nil {
					return err
				}
			}
			continue
		}
		values := make([]any, 0, len(together)*runValueCount)
		for _, run := range together {
			values = runValues(values, run)
		}
		if err := tx.conn.Queue(insertManyRuns, values, nil); err != nil {
			return err
		}
	}
	return nil
}

// runsTogether is how many runs one statement inserts. What is left of many is
// inserted one by one, so that there are two statements to prepare and not as many
// as there are numbers.
const runsTogether = 50

var insertOneRun, insertManyRuns = insertRuns(1), insertRuns(runsTogether)

// runParameters are the values of one run in SQL: those of [runValues], of which the
// time of creation stands for three.
var runParameters = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 17, 16, 18, 19}

// runValueCount is how many parameters a run takes.
const runValueCount = 19

func insertRuns(number int) string {
	return `
		INSERT INTO runs (priority, id, environment_id, job_id, job_version_id, endpoint_id, event_id, account_id,
		                  status, callback_url, is_test, internal, limit_key, due_at, lease_owner, lease_number,
		                  created_at, queued_at, started_at, updated_at, expires_at, callback_task_id)
		VALUES ` + rowsOfValues(number, "1, ", runParameters, runValueCount)
}

// rowsOfValues returns the rows of an INSERT: each has what is the same in all, then
// its own parameters, of which it takes count.
func rowsOfValues(number int, same string, parameters []int, count int) string {
	rows := make([]string, number)
	for i := range rows {
		own := make([]string, len(parameters))
		for j, parameter := range parameters {
			own[j] = "$" + strconv.Itoa(i*count+parameter)
		}
		rows[i] = "(" + same + strings.Join(own, ", ") + ")"
	}
	return strings.Join(rows, ", ")
}

// runValues appends the parameters of a run.
func runValues(values []any, r model.Run) []any {
	var due any
	if r.Lease.Owner == "" {
		due = micros(r.CreatedAt)
		if r.StartAt.After(r.CreatedAt) {
			due = micros(r.StartAt)
		}
	}
	return append(values, r.ID, r.EnvironmentID, r.JobID, r.JobVersionID, r.EndpointID, r.EventID, textOrNull(r.AccountID),
		string(r.Status), textOrNull(r.CallbackURL), r.IsTest, r.Internal, textOrNull(r.LimitKey), due, textOrNull(r.Lease.Owner), r.Lease.Number,
		micros(r.CreatedAt), microsOrNull(r.StartedAt), microsOrNull(r.ExpiresAt), textOrNull(r.CallbackTaskID))
}
