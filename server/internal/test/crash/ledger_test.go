package crash

import (
	"bufio"
	"fmt"
	"os"
	"testing"
)

// What a line of the ledger says of a task of a run, in one execution of that.
const (
	// asked is written before the server is asked what became of the task.
	asked        = "asked"
	executed     = "executed"
	acknowledged = "acknowledged"
)

// task is a task of a run.
type task struct{ run, key string }

// ledger is what an app has done, as it was written down.
type ledger struct {
	// times counts how often each task was executed, kept holds those whose
	// completion was acknowledged.
	times map[task]int
	kept  map[task]bool
	// late holds the executions that asked for a task after that.
	late map[task]map[string]bool
	// repeated holds the tasks that were executed although they had asked late.
	repeated []task
	// again counts the tasks that were executed more than once, and overlapped how
	// often one was executed after its completion was acknowledged to another
	// execution, but asked for before.
	again, overlapped int
}

func readLedger(t *testing.T, path string) *ledger {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l := &ledger{times: map[task]int{}, kept: map[task]bool{}, late: map[task]map[string]bool{}}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var what, execution string
		var of task
		if _, err := fmt.Sscan(lines.Text(), &what, &of.run, &of.key, &execution); err != nil {
			t.Fatalf("the ledger's line %q: %v", lines.Text(), err)
		}
		l.read(what, of, execution)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *ledger) read(what string, of task, execution string) {
	switch what {
	case asked:
		if !l.kept[of] {
			return
		}
		if l.late[of] == nil {
			l.late[of] = map[string]bool{}
		}
		l.late[of][execution] = true
	case executed:
		switch {
		case l.late[of][execution]:
			l.repeated = append(l.repeated, of)
		case l.kept[of]:
			l.overlapped++
		}
		if l.times[of]++; l.times[of] == 2 {
			l.again++
		}
	case acknowledged:
		l.kept[of] = true
	}
}

// check fails the test for every task that was executed although the server had
// acknowledged its completion before it was asked, and for every task of a run that
// was invoked, or that an event started, that was never executed.
func (l *ledger) check(t *testing.T, invoked, heard []string) {
	t.Helper()
	for _, of := range l.repeated {
		t.Errorf("run %s: task %s was executed after its completion was acknowledged", of.run, of.key)
	}
	for _, run := range invoked {
		l.want(t, task{run, "first"}, task{run, "second"})
	}
	for _, run := range heard {
		l.want(t, task{run, "heard"})
	}
}

// want fails the test for each of the tasks that was never executed.
func (l *ledger) want(t *testing.T, tasks ...task) {
	t.Helper()
	for _, of := range tasks {
		if l.times[of] == 0 {
			t.Errorf("run %s: task %s was never executed", of.run, of.key)
		}
	}
}
