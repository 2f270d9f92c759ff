package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/runhook/runhook/protocol"
)

// parseResult reads the answer to EXECUTE_JOB and checks that it has what its
// status requires. The error is errNotJSON, also for null, an
// [*egress.EncodingError], or says what is wrong.
func parseResult(answer *answer) (*protocol.ExecutionResult, error) {
	body, err := answer.document()
	switch {
	case err != nil:
		return nil, err
	case isNull(body):
		return nil, errNotJSON
	}
	var check shape
	result := check.result("", body, false)
	if len(check.problems) > 0 {
		return nil, errors.New(check.problems[0].String())
	}
	return result, nil
}

// result reads an execution's answer, or one that is nested in the answer of a
// parallel task.
func (s *shape) result(path string, raw json.RawMessage, nested bool) *protocol.ExecutionResult {
	members := s.object(path, raw)
	if members == nil {
		return nil
	}
	result := &protocol.ExecutionResult{}
	if !s.need(join(path, "status"), members["status"], &result.Status) {
		return nil
	}
	if nested && (result.Status == protocol.ExecutionSuccess || result.Status == protocol.ExecutionResumeWithParallelTask) {
		s.fail(join(path, "status"), "%s is not permitted for an item of a parallel task", result.Status)
		return nil
	}
	read, ok := resultMembers[result.Status]
	if !ok {
		s.fail(join(path, "status"), "unknown status %.100q", result.Status)
		return nil
	}
	read(&resultReader{shape: s, path: path, members: members, result: result})
	return result
}

// resultReader reads the members that a status has into a result.
type resultReader struct {
	*shape
	path    string
	members map[string]json.RawMessage
	result  *protocol.ExecutionResult
}

// resultMembers says for each status which members are read, and how.
var resultMembers map[protocol.ExecutionStatus]func(*resultReader)

// The table is filled here because reading a parallel task leads back to it.
func init() {
	resultMembers = map[protocol.ExecutionStatus]func(*resultReader){
		protocol.ExecutionSuccess:                (*resultReader).success,
		protocol.ExecutionError:                  (*resultReader).failureAndTask,
		protocol.ExecutionResumeWithTask:         (*resultReader).task,
		protocol.ExecutionResumeWithParallelTask: (*resultReader).parallel,
		protocol.ExecutionRetryWithTask:          (*resultReader).retry,
		protocol.ExecutionCanceled:               (*resultReader).task,
		protocol.ExecutionYield:                  (*resultReader).yield,
		protocol.ExecutionAutoYield:              (*resultReader).autoYield,
		protocol.ExecutionAutoYieldCompleted:     (*resultReader).autoYieldCompleted,
		protocol.ExecutionAutoYieldRateLimit:     (*resultReader).rateLimit,
		protocol.ExecutionInvalidPayload:         (*resultReader).invalidPayload,
		protocol.ExecutionUnresolvedAuth:         (*resultReader).unresolvedAuth,
	}
}

func (r *resultReader) at(member string) (string, json.RawMessage) {
	return join(r.path, member), r.members[member]
}

func (r *resultReader) required(member string, into any) bool {
	path, raw := r.at(member)
	return r.need(path, raw, into)
}

func (r *resultReader) optional(member string, into any) bool {
	path, raw := r.at(member)
	return r.option(path, raw, into)
}

func (r *resultReader) success() {
	r.output()
	r.notAsked()
}

// output keeps null and absent apart: the latter is JavaScript's undefined.
func (r *resultReader) output() {
	path, raw := r.at("output")
	r.depth(path, raw)
	r.result.Output = raw
}

func (r *resultReader) failure() {
	r.result.Error = r.shape.failure(r.at("error"))
}

// notAsked reads what only our own SDK sends. It says nothing of the run's outcome, so
// what cannot be read is passed over.
func (r *resultReader) notAsked() {
	var tasks *protocol.TasksNotAsked
	if raw := r.members["tasksNotAsked"]; len(raw) > 0 && json.Unmarshal(raw, &tasks) == nil {
		r.result.TasksNotAsked = tasks
	}
}

func (r *resultReader) failureAndTask() {
	r.failure()
	r.notAsked()
	if raw := r.members["task"]; len(raw) > 0 && !isNull(raw) {
		r.task()
	}
}

func (r *resultReader) task() {
	path, raw := r.at("task")
	members := r.object(path, raw)
	if members == nil {
		return
	}
	echo := &protocol.TaskEcho{}
	if r.need(join(path, "id"), members["id"], &echo.ID) && echo.ID == "" {
		r.fail(join(path, "id"), "empty value")
	}
	r.option(join(path, "outputProperties"), members["outputProperties"], &echo.OutputProperties)
	r.result.Task = echo
}

func (r *resultReader) retry() {
	r.task()
	r.failure()
	r.result.RetryAt = &protocol.Time{}
	r.required("retryAt", r.result.RetryAt)
}

func (r *resultReader) parallel() {
	r.task()
	var children []json.RawMessage
	if !r.required("childErrors", &children) {
		return
	}
	r.result.ChildErrors = make([]protocol.ExecutionResult, 0, len(children))
	for i, raw := range children {
		child := r.shape.result(fmt.Sprintf("%s[%d]", join(r.path, "childErrors"), i), raw, true)
		if child == nil {
			return
		}
		r.result.ChildErrors = append(r.result.ChildErrors, *child)
	}
}

func (r *resultReader) yield() { r.required("key", &r.result.Key) }

func (r *resultReader) autoYield() {
	r.required("location", &r.result.Location)
	r.required("timeRemaining", &r.result.TimeRemaining)
	r.required("timeElapsed", &r.result.TimeElapsed)
	r.optional("limit", &r.result.Limit)
}

func (r *resultReader) autoYieldCompleted() {
	if r.required("id", &r.result.ID) && r.result.ID == "" {
		r.fail(join(r.path, "id"), "empty value")
	}
	r.optional("properties", &r.result.Properties)
	var output string
	path, raw := r.at("output")
	if len(raw) > 0 && r.need(path, raw, &output) {
		r.depth(path, []byte(output))
		if !json.Valid([]byte(output)) {
			r.fail(path, "expected a string that holds JSON")
		}
		r.result.Output = raw
	}
	path, raw = r.at("data")
	inner := &resultReader{shape: r.shape, path: path, members: r.object(path, raw), result: r.result}
	if inner.members != nil {
		inner.autoYield()
		r.result.Data = raw
	}
}

func (r *resultReader) rateLimit() { r.required("reset", &r.result.Reset) }

func (r *resultReader) invalidPayload() {
	var complaints []struct {
		Message string `json:"message"`
	}
	if r.required("errors", &complaints) {
		r.depth(r.at("errors"))
		r.result.Errors = r.members["errors"]
	}
}

func (r *resultReader) unresolvedAuth() {
	var issues map[string]struct {
		ID    string `json:"id"`
		Error string `json:"error"`
	}
	if r.required("issues", &issues) {
		r.depth(r.at("issues"))
		r.result.Issues = r.members["issues"]
	}
}
