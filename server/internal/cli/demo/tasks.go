package demo

import "slices"

// taskRecord counts what the app did for one task of one run.
type taskRecord struct {
	executed int // how often its function was called
	repeated int // calls after the server had acknowledged the task's end
	done     bool
	failed   bool
}

// begin notes that a task's function is called. It returns true if that is to be
// held until the server is gone: every second file in the middle of counting,
// and the next execution would finish.
func (l *ledger) begin(f *file, key string) (held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := f.tasks[key]
	t.executed++
	if t.done {
		t.repeated++
		l.event(bad, "task", key, f.name, "executed again although it had finished")
	}
	held = l.crash && f.number < staged && (key == taskReport || key == taskCount && f.number%2 == 0)
	if !held {
		l.busy++
		return false
	}
	f.place = inTask
	l.settle()
	return true
}

// end notes that a task's function has returned.
func (l *ledger) end(f *file, key string, held, cutOff bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !held {
		l.busy--
	}
	if cutOff {
		l.event(warn, "task", key, f.name, "cut off: the server is gone")
	}
}

// completed notes that the server has a task's result. On later executions that
// is no news.
func (l *ledger) completed(f *file, key string, result any, description string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := f.tasks[key]
	if t.done {
		return
	}
	t.done = true
	if r, ok := result.(report); ok {
		f.result = &r
	}
	l.event(plain, "task", key, f.name, description)
}

// failed notes that the server has recorded a task as failed.
func (l *ledger) failed(f *file, key, message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := f.tasks[key]
	if t.done {
		return
	}
	t.done, t.failed = true, true
	f.failedTask, f.failure = key, message
	l.event(warn, "task", key, f.name, "failed: "+message)
}

// taskTotals adds up the records of a task over all files.
func (l *ledger) taskTotals(key string) (total taskTotal) {
	for _, f := range l.files {
		t := f.tasks[key]
		total.executed += t.executed
		total.repeated += t.repeated
		switch {
		case t.failed:
			total.failed++
		case t.done:
			total.completed++
		}
	}
	total.cutOff = total.executed - total.repeated - total.completed - total.failed
	return total
}

// taskTotal is what the app did for one task of all runs.
type taskTotal struct {
	executed, repeated, completed, failed int
	// cutOff is how many executions there were whose end the server never
	// acknowledged.
	cutOff int
}

// failedNames lists the tasks at which runs failed.
func (l *ledger) failedNames() []string {
	var names []string
	for _, f := range l.files {
		if f.failedTask != "" && !slices.Contains(names, f.failedTask) {
			names = append(names, f.failedTask)
		}
	}
	return names
}
