package crash

import (
	"bufio"
	"fmt"
	"os"
	"testing"
)

// What a line of the ledger says of a task of a run.
const (
	executed     = "executed"
	acknowledged = "acknowledged"
)

// checkLedger fails the test for every task that was executed after the app was
// told that its result is kept, and for every run whose tasks were not executed.
// It returns how many tasks were executed, and how many of them again.
func checkLedger(t *testing.T, path string, runs []string) (tasks, again int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	type task struct{ run, key string }
	times, kept := map[task]int{}, map[task]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var what string
		var of task
		if _, err := fmt.Sscan(lines.Text(), &what, &of.run, &of.key); err != nil {
			t.Fatalf("the ledger's line %q: %v", lines.Text(), err)
		}
		switch {
		case what == acknowledged:
			kept[of] = true
			continue
		case kept[of]:
			t.Errorf("run %s: task %s was executed after its completion was acknowledged", of.run, of.key)
		case times[of] > 0:
			again++
		}
		times[of]++
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		for _, key := range []string{"first", "second"} {
			if times[task{run, key}] == 0 {
				t.Errorf("run %s: task %s was never executed", run, key)
			}
		}
	}
	return len(times), again
}
