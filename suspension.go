package runhook

import (
	"cmp"
	"errors"
	"slices"

	"github.com/runhook/runhook/protocol"
)

// A suspension is the error that ends an execution before the job is done. It
// carries everything that the server needs before it can continue, so
// that branches which suspend side by side are all reported.
type suspension struct {
	reason string
	leaves []leaf
}

// A leaf is one reason to suspend, as the answer it would be if it were alone.
type leaf struct {
	result protocol.ExecutionResult
	// parallel is the outermost Parallel around it, and item its place there.
	parallel *protocol.TaskEcho
	item     int
}

func suspend(reason string, result protocol.ExecutionResult) *suspension {
	return &suspension{reason: reason, leaves: []leaf{{result: result}}}
}

// Error says why, and what to do with the error.
func (s *suspension) Error() string { return s.reason + " (return this error from the job)" }

// Is makes errors.Is find ErrSuspended, and ErrCanceled if that is why.
func (s *suspension) Is(target error) bool {
	return target == ErrSuspended || target == ErrCanceled && s.canceled() != nil
}

func (s *suspension) canceled() *protocol.ExecutionResult {
	for i := range s.leaves {
		if s.leaves[i].result.Status == protocol.ExecutionCanceled {
			return &s.leaves[i].result
		}
	}
	return nil
}

// answer returns what the execution answers the server. One reason alone is
// named as it is. Several travel as the children of a parallel task, the one
// answer that can hold more than one; the server applies each of them.
func (s *suspension) answer() protocol.ExecutionResult {
	if canceled := s.canceled(); canceled != nil {
		return *canceled
	}
	leaves := withoutRepeatedYields(s.leaves)
	if len(leaves) == 1 && leaves[0].parallel == nil {
		return leaves[0].result
	}
	slices.SortStableFunc(leaves, func(a, b leaf) int { return cmp.Compare(a.item, b.item) })
	task := echoFor(leaves)
	if task == nil {
		return leaves[0].result // yields only: the others come up again next time
	}
	answer := protocol.ExecutionResult{Status: protocol.ExecutionResumeWithParallelTask, Task: task}
	for _, leaf := range leaves {
		answer.ChildErrors = append(answer.ChildErrors, leaf.result)
	}
	return answer
}

// withoutRepeatedYields keeps one of several automatic yields, which all ask
// for the same: another execution at once.
func withoutRepeatedYields(leaves []leaf) []leaf {
	var kept []leaf
	yields := false
	for _, leaf := range leaves {
		if leaf.result.Status == protocol.ExecutionAutoYield {
			if yields {
				continue
			}
			yields = true
		}
		kept = append(kept, leaf)
	}
	return kept
}

// echoFor returns the task that an answer with several reasons is filed under.
func echoFor(leaves []leaf) *protocol.TaskEcho {
	for _, leaf := range leaves {
		if leaf.parallel != nil {
			return leaf.parallel
		}
	}
	for _, leaf := range leaves {
		switch {
		case leaf.result.Task != nil:
			return &protocol.TaskEcho{ID: leaf.result.Task.ID}
		case leaf.result.ID != "":
			return &protocol.TaskEcho{ID: leaf.result.ID}
		}
	}
	return nil
}

func asSuspension(err error) (*suspension, bool) {
	var found *suspension
	ok := errors.As(err, &found)
	return found, ok
}

// isVerdict reports whether err says for certain that something failed, so that
// it need not wait for branches which are still suspended. Any other error may
// have been made from a suspension that the code did not recognize.
func isVerdict(err error) bool {
	if err == nil || errors.Is(err, ErrSuspended) {
		return false
	}
	var failed *TaskError
	var duplicate *duplicateKeyError
	var overlap *overlapError
	return errors.As(err, &failed) || errors.As(err, &duplicate) || errors.As(err, &overlap)
}
