package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store/database"
)

const taskColumns = `id, environment_id, run_id, parent_id, idempotency_key, display_key, name, icon, description,
	status, noop, params, properties, output_properties, output, context, style, redact, operation, callback_secret,
	child_execution_mode, attempts, delay_until, due_at, started_at, completed_at, shown_params, asked_in`

// How the children of a task are executed (docs/protocol/api.md §8.1).
const (
	childrenParallel   = "PARALLEL"
	childrenSequential = "SEQUENTIAL"
)

type taskScan struct {
	task                                                                  model.Task
	parent, display, icon, description, params, properties, outProperties *string
	output, context, style, redact, operation, callback, shown            *string
	mode                                                                  string
	delay, due, completed, asked                                          *int64
	started                                                               int64
}

func (s *taskScan) destinations() []any {
	t := &s.task
	return []any{
		&t.ID, &t.EnvironmentID, &t.RunID, &s.parent, &t.IdempotencyKey, &s.display, &t.Name, &s.icon, &s.description,
		&t.Status, &t.Noop, &s.params, &s.properties, &s.outProperties, &s.output, &s.context, &s.style, &s.redact, &s.operation, &s.callback,
		&s.mode, &t.Attempts, &s.delay, &s.due, &s.started, &s.completed, &s.shown, &s.asked,
	}
}

func (s *taskScan) result() model.Task {
	t := s.task
	t.ParentID, t.DisplayKey, t.Icon, t.Description = textOrEmpty(s.parent), textOrEmpty(s.display), textOrEmpty(s.icon), textOrEmpty(s.description)
	t.Params, t.Properties, t.OutputProperties = jsonOrNil(s.params), jsonOrNil(s.properties), jsonOrNil(s.outProperties)
	t.Output, t.Context = jsonOrNil(s.output), jsonOrNil(s.context)
	t.Style, t.Redact, t.ShownParams = jsonOrNil(s.style), jsonOrNil(s.redact), jsonOrNil(s.shown)
	t.Operation, t.CallbackSecret = textOrEmpty(s.operation), textOrEmpty(s.callback)
	t.Parallel = s.mode == childrenParallel
	t.DelayUntil, t.DueAt, t.CompletedAt = timeOrZero(s.delay), timeOrZero(s.due), timeOrZero(s.completed)
	t.StartedAt = timeOf(s.started)
	if s.asked != nil {
		t.AskedIn = *s.asked
	}
	return t
}

func scanTask(rows database.Rows) (model.Task, error) {
	var s taskScan
	if err := rows.Scan(s.destinations()...); err != nil {
		return s.task, err
	}
	return s.result(), nil
}

// RunState is what creating and ending a task must know of its run.
type RunState struct {
	Status protocol.RunStatus
	// ForceYield asks the execution of the run to come back; false when the run has
	// ended.
	ForceYield bool
	// Execution is the number of its execution, the last if none is under way.
	Execution int64
}

// forceYield is false for a run that has ended: there is no execution to come back,
// and the Node SDK would throw into code that is not awaited.
var forceYield = `force_yield AND status IN (` + quoted(model.OpenRunStatuses()) + `)`

var runStateQuery = `SELECT status, ` + forceYield + `, lease_number FROM runs WHERE id = $1 AND environment_id = $2`

func scanRunState(rows database.Rows) (s RunState, err error) {
	err = rows.Scan(&s.Status, &s.ForceYield, &s.Execution)
	return s, err
}

// RunState returns the state of a run of an environment.
func (tx *Tx) RunState(environmentID, runID string) (RunState, bool, error) {
	return first(tx, runStateQuery, []any{runID, environmentID}, scanRunState)
}

// LockRunState is RunState, and keeps others from changing the run until the
// transaction ends.
func (tx *Tx) LockRunState(environmentID, runID string) (RunState, bool, error) {
	return first(tx, runStateQuery+tx.conn.Dialect().ForUpdate, []any{runID, environmentID}, scanRunState)
}

// InsertTask records a new task, in which references then stand in place of secrets. It returns false, and changes nothing, when the
// run already has one with the idempotency key.
func (tx *Tx) InsertTask(t *model.Task) (bool, error) {
	mode := childrenSequential
	if t.Parallel {
		mode = childrenParallel
	}
	var err error
	for _, text := range []*[]byte{&t.Params, &t.ShownParams, &t.Properties} {
		if *text, err = tx.SealSecrets(t.EnvironmentID, *text); err != nil {
			return false, err
		}
	}
	// A log line is a description.
	for _, text := range []*string{&t.Name, &t.DisplayKey, &t.Description} {
		if *text, err = tx.SealText(t.EnvironmentID, *text); err != nil {
			return false, err
		}
	}
	changed, err := tx.conn.Exec(`
		INSERT INTO tasks (id, environment_id, run_id, parent_id, idempotency_key, display_key, name, icon, description,
		                   status, noop, params, properties, style, redact, operation, callback_secret,
		                   child_execution_mode, attempts, delay_until, due_at, operation_at, started_at, completed_at, shown_params, asked_in)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
		ON CONFLICT (run_id, idempotency_key) DO NOTHING`,
		t.ID, t.EnvironmentID, t.RunID, textOrNull(t.ParentID), t.IdempotencyKey, textOrNull(t.DisplayKey), t.Name,
		textOrNull(t.Icon), textOrNull(t.Description), string(t.Status), t.Noop, jsonOrNull(t.Params), jsonOrNull(t.Properties),
		jsonOrNull(t.Style), jsonOrNull(t.Redact), textOrNull(t.Operation), textOrNull(t.CallbackSecret), mode, t.Attempts,
		microsOrNull(t.DelayUntil), microsOrNull(t.DueAt), microsOrNull(t.OperationAt), micros(t.StartedAt), microsOrNull(t.CompletedAt), jsonOrNull(t.ShownParams), askedOrNull(t.AskedIn))
	return changed > 0, err
}

// TaskByKey returns the task of a run with the idempotency key.
func (tx *Tx) TaskByKey(runID, key string) (model.Task, bool, error) {
	return first(tx, `SELECT `+taskColumns+` FROM tasks WHERE run_id = $1 AND idempotency_key = $2`,
		[]any{runID, key}, scanTask)
}

// Task returns the task with the id.
func (tx *Tx) Task(id string) (model.Task, bool, error) {
	return first(tx, `SELECT `+taskColumns+` FROM tasks WHERE id = $1`, []any{id}, scanTask)
}

// HasTask reports whether a run has a task.
func (tx *Tx) HasTask(runID, id string) (bool, error) {
	n, err := tx.count(`SELECT COUNT(*) FROM tasks WHERE id = $1 AND run_id = $2`, id, runID)
	return n > 0, err
}

// LockTask is [Tx.Task], and keeps others from changing the task until the
// transaction ends: an app completes a task without locking its run.
func (tx *Tx) LockTask(id string) (model.Task, bool, error) {
	return first(tx, `SELECT `+taskColumns+` FROM tasks WHERE id = $1`+tx.conn.Dialect().ForUpdate, []any{id}, scanTask)
}

// TaskOfRun returns a task of a run of an environment.
func (tx *Tx) TaskOfRun(environmentID, runID, id string) (model.Task, bool, error) {
	return first(tx, `SELECT `+taskColumns+` FROM tasks WHERE id = $1 AND run_id = $2 AND environment_id = $3`,
		[]any{id, runID, environmentID}, scanTask)
}

// TaskEnd is how a task ends.
type TaskEnd struct {
	Transition model.TaskTransition
	// Output is the result or the error; nil for none.
	Output []byte
	// OutputProperties are kept as they were when nil.
	OutputProperties []byte
}

const endTask = `
	UPDATE tasks
	SET status = $1, output = $2, output_properties = COALESCE($3, output_properties), due_at = NULL, operation_at = NULL, completed_at = $4
	WHERE id = $5 AND status IN (`

func (tx *Tx) endTaskArgs(id string, end TaskEnd) []any {
	return []any{string(end.Transition.To), jsonOrNull(end.Output), jsonOrNull(end.OutputProperties), micros(tx.now), id}
}

func (tx *Tx) sealEnd(environmentID string, end *TaskEnd) (err error) {
	for _, text := range []*[]byte{&end.Output, &end.OutputProperties} {
		if *text, err = tx.SealSecrets(environmentID, *text); err != nil {
			return err
		}
	}
	return nil
}

// EndTask ends a task of an environment and returns it as it then is. ok is false when the task is
// in a status that the transition does not start from.
func (tx *Tx) EndTask(environmentID, id string, end TaskEnd) (task model.Task, ok bool, err error) {
	if err := tx.sealEnd(environmentID, &end); err != nil {
		return task, false, err
	}
	return first(tx, endTask+quoted(end.Transition.From)+`) RETURNING `+taskColumns, tx.endTaskArgs(id, end), scanTask)
}

// EndedTask is a task that has just ended.
type EndedTask struct {
	model.Task
	// ForceYield asks the execution of its run to come back.
	ForceYield bool
}

// EndTaskOfRun is EndTask for a task that must belong to a run of an
// environment.
func (tx *Tx) EndTaskOfRun(environmentID, runID, id string, end TaskEnd) (ended EndedTask, ok bool, err error) {
	if err := tx.sealEnd(environmentID, &end); err != nil {
		return ended, false, err
	}
	return first(tx, endTask+quoted(end.Transition.From)+`) AND run_id = $6 AND environment_id = $7
		RETURNING (SELECT `+forceYield+` FROM runs WHERE runs.id = tasks.run_id), `+taskColumns,
		append(tx.endTaskArgs(id, end), runID, environmentID), func(rows database.Rows) (ended EndedTask, err error) {
			var s taskScan
			err = rows.Scan(append([]any{&ended.ForceYield}, s.destinations()...)...)
			ended.Task = s.result()
			return ended, err
		})
}

// SetOutputProperties records properties that an app has added to a task.
func (tx *Tx) SetOutputProperties(environmentID, id string, properties []byte) error {
	properties, err := tx.SealSecrets(environmentID, properties)
	if err != nil {
		return err
	}
	return tx.conn.Queue(`UPDATE tasks SET output_properties = $1 WHERE id = $2`, []any{jsonOrNull(properties), id}, nil)
}

// sealFailure seals the error of an attempt, which is JSON.
func (tx *Tx) sealFailure(t model.Task, failure string) (string, error) {
	sealed, err := tx.SealSecrets(t.EnvironmentID, []byte(failure))
	return string(sealed), err
}

// RetryTask records that an attempt of a task failed and has the next one wait
// until the given time.
func (tx *Tx) RetryTask(t model.Task, failure string, at time.Time) error {
	failure, err := tx.sealFailure(t, failure)
	if err != nil {
		return err
	}
	if err := tx.conn.Queue(`
		UPDATE tasks SET status = '`+string(model.TaskRetries.To)+`', attempts = attempts + 1, due_at = $1
		WHERE id = $2 AND status IN (`+quoted(model.TaskRetries.From)+`)`, []any{micros(at), t.ID}, mustChange); err != nil {
		return err
	}
	return tx.conn.Queue(`
		INSERT INTO task_attempts (task_id, number, error, retry_at, created_at) VALUES ($1, $2, $3, $4, $5)`,
		[]any{t.ID, t.Attempts, failure, micros(at), micros(tx.now)}, nil)
}

// EndPause takes a waiting task to RUNNING, so that the next execution runs it.
func (tx *Tx) EndPause(id string) error {
	return tx.conn.Queue(`
		UPDATE tasks SET status = '`+string(model.TaskPauseEnds.To)+`', due_at = NULL
		WHERE id = $1 AND status IN (`+quoted(model.TaskPauseEnds.From)+`)`, []any{id}, mustChange)
}

// ForgetDue has a task that is due no longer be: its run has ended.
func (tx *Tx) ForgetDue(id string) error {
	return tx.conn.Queue(`UPDATE tasks SET due_at = NULL WHERE id = $1`, []any{id}, nil)
}

// EndOpenTasks ends every task of a run that has not ended, and its waits for
// events. Output is recorded on the tasks that have none.
func (tx *Tx) EndOpenTasks(runID string, transition model.TaskTransition, output []byte) error {
	if err := tx.DeleteEventWaitsOfRun(runID); err != nil {
		return err
	}
	return tx.conn.Queue(`
		UPDATE tasks SET status = $1, output = COALESCE(output, $2), due_at = NULL, operation_at = NULL, completed_at = $3
		WHERE run_id = $4 AND status IN (`+quoted(transition.From)+`)`,
		[]any{string(transition.To), jsonOrNull(output), micros(tx.now), runID}, nil)
}

// OpenSiblings returns how many children of a task have not ended.
func (tx *Tx) OpenSiblings(runID, parentID string) (int, error) {
	return tx.count(`
		SELECT COUNT(*) FROM tasks
		WHERE run_id = $1 AND parent_id = $2 AND status IN (`+quoted(model.TaskCompletes.From)+`)`, runID, parentID)
}

// NewestTask returns the task of a run that was created last.
func (tx *Tx) NewestTask(runID string) (model.Task, bool, error) {
	return first(tx, `SELECT `+taskColumns+` FROM tasks WHERE run_id = $1 ORDER BY id DESC LIMIT 1`, []any{runID}, scanTask)
}

// CompletedTasks returns a page of the completed tasks of a run in the order they were
// created, beginning with the task that cursor names if it is not empty, and the id of
// the first that is not on it. Noop tasks, which have no result, are among them. A task
// counts for as many bytes as it has in an answer.
func (tx *Tx) CompletedTasks(runID, cursor string, page Page) ([]protocol.CachedTask, string, error) {
	return readPage(tx, listing[protocol.CachedTask]{
		columns: `id, idempotency_key, noop, output, parent_id, ` + shownName,
		from: `FROM tasks WHERE run_id = $1 AND id >= $2 AND status = '` + string(protocol.TaskCompleted) + `'
			ORDER BY id`,
		args: []any{runID, cursor}, key: "id", size: fmt.Sprintf("%s + %d", bytesOf("output", "idempotency_key", shownName), cachedTaskEnvelope),
		scan: func(rows database.Rows) (protocol.CachedTask, error) {
			t := protocol.CachedTask{Status: protocol.TaskCompleted}
			var output *string
			err := rows.Scan(&t.ID, &t.IdempotencyKey, &t.Noop, &output, &t.ParentID, &t.Name)
			t.Output = jsonOrNil(output)
			return t, err
		},
	}, page)
}

// cachedTaskEnvelope is how many bytes there are around the output, the key and the name
// of a completed task, about.
const cachedTaskEnvelope = 100

// TaskTexts says which texts of tasks are read.
type TaskTexts int

const (
	// TaskHeads leaves out what may be large: parameters, output, properties and the
	// like.
	TaskHeads TaskTexts = iota
	// WholeTasks has everything.
	WholeTasks
)

// taskHeadColumns are [taskColumns] without what may be large.
var taskHeadColumns = strings.NewReplacer(
	"icon, description", "icon, NULL",
	"params, properties, output_properties, output, context, style, redact,", "NULL, NULL, NULL, NULL, NULL, NULL, NULL,",
	"shown_params", "NULL").Replace(taskColumns)

// listedTasks lists tasks of a run; condition follows WHERE.
func listedTasks(texts TaskTexts, condition string, args ...any) listing[model.Task] {
	l := listing[model.Task]{
		columns: taskHeadColumns, from: `FROM tasks WHERE ` + condition, args: args, key: "id",
		size: bytesOf("name", "display_key", "icon", "idempotency_key", "callback_secret"), scan: scanTask,
	}
	if texts == WholeTasks {
		l.columns = taskColumns
		l.size += " + " + bytesOf("description", "params", "properties", "output_properties", "output", "context", "style", "redact", "shown_params") +
			" + " + attemptBytes
	}
	return l
}

// TasksOfRun returns a page of a run's tasks in the order they were created, beginning
// with the task that cursor names if it is not empty, and the id of the first that is
// not on it; only those without a parent if rootsOnly is set. What is shown of the
// failed attempts of whole tasks counts for the page, too ([Tx.TaskAttempts]).
func (tx *Tx) TasksOfRun(runID, cursor string, rootsOnly bool, texts TaskTexts, page Page) ([]model.Task, string, error) {
	condition := `run_id = $1 AND id >= $2`
	if rootsOnly {
		condition += ` AND parent_id IS NULL`
	}
	return readPage(tx, listedTasks(texts, condition+` ORDER BY id`, runID, cursor), page)
}

// ErroredTask is a task that failed, with its error.
type ErroredTask struct {
	ID    string
	Error []byte
}

// ErroredTasks returns a page of the tasks of a run that failed, the one created last
// first.
func (tx *Tx) ErroredTasks(runID string, page Page) ([]ErroredTask, error) {
	tasks, _, err := readPage(tx, listing[ErroredTask]{
		columns: `id, output`, from: `FROM tasks WHERE run_id = $1 AND status = '` + string(protocol.TaskErrored) + `' ORDER BY id DESC`,
		args: []any{runID}, key: "id", size: bytesOf("output"),
		scan: func(rows database.Rows) (t ErroredTask, err error) {
			var output *string
			err = rows.Scan(&t.ID, &output)
			t.Error = jsonOrNil(output)
			return t, err
		},
	}, page)
	return tasks, err
}

// TasksSince returns how many tasks of a run were begun at or after the time.
func (tx *Tx) TasksSince(runID string, since time.Time) (int, error) {
	return tx.count(`SELECT COUNT(*) FROM tasks WHERE run_id = $1 AND started_at >= $2`, runID, micros(since))
}

// TasksEndedSince returns how many tasks of a run ended at or after the time.
func (tx *Tx) TasksEndedSince(runID string, since time.Time) (int, error) {
	return tx.count(`SELECT COUNT(*) FROM tasks WHERE run_id = $1 AND completed_at >= $2`, runID, micros(since))
}

// ReopenTasks has the named tasks of a run that ended, and those that ended with
// it, be executed again when the run comes to them.
func (tx *Tx) ReopenTasks(r model.Run, ids []string) error {
	return tx.conn.Queue(`
		UPDATE tasks SET status = '`+string(model.TaskReopens.To)+`', output = NULL
		WHERE run_id = $1 AND status IN (`+quoted(model.TaskReopens.From)+`)
		  AND (completed_at = $2 OR id `+tx.conn.Dialect().InList("$3")+`)`,
		[]any{r.ID, microsOrNull(r.CompletedAt), jsonList(ids)}, nil)
}

// ReviveTask has a canceled task of a run that resumes be as t says: its status,
// its times, and when it is due.
func (tx *Tx) ReviveTask(t model.Task, transition model.TaskTransition) error {
	return tx.conn.Queue(`
		UPDATE tasks SET status = $1, output = NULL, started_at = $2, completed_at = $3, delay_until = $4, due_at = $5, operation_at = $6
		WHERE id = $7 AND status IN (`+quoted(transition.From)+`)`,
		[]any{string(transition.To), micros(t.StartedAt), microsOrNull(t.CompletedAt), microsOrNull(t.DelayUntil),
			microsOrNull(t.DueAt), microsOrNull(t.OperationAt), t.ID}, mustChange)
}
