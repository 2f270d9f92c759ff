package demo

import (
	"fmt"
	"path/filepath"

	"github.com/runhook/runhook/protocol"
)

// conclude shows the tables, compares what arrived with what the app saw, and
// returns ErrUnexpected if they differ. Nothing else touches the ledger by then.
func (d *demo) conclude() error {
	d.showNotifications()
	d.showTasks()
	problems := d.findProblems()
	d.showVerdict(problems)
	if d.config.JSON != nil {
		if err := writeJSON(d.config.JSON, d.ledger.files); err != nil {
			return fmt.Errorf("write the notifications: %w", err)
		}
	}
	if len(problems) > 0 {
		return ErrUnexpected
	}
	return nil
}

// showNotifications is the table of what arrived.
func (d *demo) showNotifications() {
	s := d.screen
	s.heading("The RunNotifications that arrived, each verified by its signature")
	row := func(file, status string, style style, words, frequent, duration, executions string) {
		s.print("  ", fit(file, s.nameWidth+2), s.paint(style, fit(status, 16)),
			fmt.Sprintf("%7s  %s%9s%12s", words, fit(frequent, 24), duration, executions))
	}
	row("file", "status", plain, "words", "most frequent", "duration", "executions")
	for _, f := range d.ledger.files {
		for _, n := range f.notifications {
			words, frequent, style := "-", "-", warn
			if n.OK {
				words, frequent, style = thousands(n.Output.Words), n.Output.MostFrequent.String(), good
			}
			row(f.name, string(n.Status), style, words, frequent, runDuration(n.RunNotification), fmt.Sprint(n.ExecutionCount))
		}
	}
	for _, f := range d.ledger.files {
		for _, n := range f.notifications {
			if failure := failureOf(n.RunNotification); failure != "" {
				s.paragraph(warn, "  ", f.name+" "+failure)
			}
		}
	}
}

// failureOf says at which task and why a run failed; nothing if it did not.
func failureOf(n protocol.RunNotification[fileToRead, report]) string {
	if n.OK {
		return ""
	}
	message := string(n.Error)
	if e := n.RunError(); e != nil {
		message = e.Message
	}
	if name := failedTask(n); name != "" {
		return fmt.Sprintf("failed in its task %q: %s", name, printable(message))
	}
	return "failed outside of any task: " + printable(message)
}

// failedTask returns the key of the task that a notification names.
func failedTask(n protocol.RunNotification[fileToRead, report]) string {
	if n.Task == nil || n.Task.CacheKey == nil {
		return ""
	}
	return *n.Task.CacheKey
}

// showTasks is the table of what the app executed.
func (d *demo) showTasks() {
	s := d.screen
	s.heading("The tasks, as the app counted them")
	s.print("  ", s.paint(faint, fmt.Sprintf("%-16s%10s%10s%10s%10s", "task", "completed", "failed", "cut off", "executed")))
	for _, key := range taskKeys {
		total := d.ledger.taskTotals(key)
		row := fmt.Sprintf("%-16s%10s%10s%10s%10s", key, orDash(total.completed), orDash(total.failed), orDash(total.cutOff), orDash(total.executed))
		switch {
		case total.repeated > 0:
			s.print("  ", row, s.paint(bad, fmt.Sprintf("   %d of them after it had finished", total.repeated)))
		case total.cutOff > 0:
			s.print("  ", row, s.paint(faint, "   cut off, so executed again"))
		default:
			s.print("  ", row)
		}
	}
}

func orDash(n int) string {
	if n == 0 {
		return "-"
	}
	return thousands(n)
}

// showVerdict says what has been shown and what has not.
func (d *demo) showVerdict(problems []string) {
	s := d.screen
	if len(problems) > 0 {
		s.heading("This is not as promised")
		for _, problem := range problems {
			s.paragraph(bad, "  ", problem)
		}
	} else {
		s.heading("What this shows")
		for _, line := range d.lessons() {
			s.paragraph(plain, "  ", line)
		}
	}
	s.print()
	if d.config.DataDir != "" {
		s.print("The data is kept in ", printable(filepath.Clean(d.data)))
	}
	if len(problems) > 0 {
		return
	}
	s.print(s.paint(good, "All as promised."))
	if len(d.config.Files) == 0 && d.config.JSON == nil {
		s.print(s.paint(faint, "Next: your own files (demo FILE...), the full notifications (demo --json), a real server (serve)."))
	}
}

// lessons are what a demo without problems has shown.
func (d *demo) lessons() []string {
	finished, cutOff := 0, 0
	for _, key := range taskKeys {
		total := d.ledger.taskTotals(key)
		finished += total.completed + total.failed
		cutOff += total.cutOff
	}
	files := len(d.ledger.files)
	var lines []string
	switch unfinished := files - d.killed[ended]; {
	case d.killed == nil:
	case unfinished == 0:
		lines = append(lines, "Nothing was lost: the server died when all runs had ended, and the notifications arrived all the same.")
	default:
		lines = append(lines, fmt.Sprintf("Nothing was lost: the server died while %s unfinished, and every run came to its end.",
			countedBe(unfinished, "run")))
	}
	once := fmt.Sprintf("Nothing was done twice: %s finished, and none was executed again after that.", counted(finished, "task"))
	if cutOff > 0 {
		once += fmt.Sprintf(" (%s cut off before the server had the result, and so executed again, as must be.)",
			countedBe(cutOff, "execution"))
	}
	lines = append(lines, once)
	summary := fmt.Sprintf("Every receiver was notified: %s for %s, with the right signature, and each says what the app itself saw.",
		counted(files, "notification"), counted(files, "file"))
	if names := d.ledger.failedNames(); len(names) > 0 {
		summary += " A run that failed names the task that failed it."
	}
	return append(lines, summary)
}

// countedBe is counted with the verb.
func countedBe(n int, one string) string {
	if n == 1 {
		return counted(n, one) + " was"
	}
	return counted(n, one) + " were"
}

// findProblems compares what arrived with what the app saw.
func (d *demo) findProblems() []string {
	var problems []string
	for _, f := range d.ledger.files {
		for _, problem := range f.problems() {
			problems = append(problems, f.name+": "+problem)
		}
	}
	return problems
}

func (f *file) problems() []string {
	var found []string
	for _, key := range taskKeys {
		if t := f.tasks[key]; t.repeated > 0 {
			found = append(found, fmt.Sprintf("task %q was executed again after it had finished", key))
		}
	}
	if len(f.notifications) != 1 {
		return append(found, fmt.Sprintf("%s arrived instead of 1", counted(len(f.notifications), "notification")))
	}
	n := f.notifications[0]
	switch {
	case n.ID != f.runID:
		found = append(found, fmt.Sprintf("the notification is for run %s, not for %s", n.ID, f.runID))
	case f.failedTask != "":
		if n.Status != protocol.RunFailure || failedTask(n.RunNotification) != f.failedTask {
			found = append(found, fmt.Sprintf("the app saw task %q fail, but the notification says %s at task %q", f.failedTask, n.Status, failedTask(n.RunNotification)))
		}
	case f.result == nil:
		found = append(found, fmt.Sprintf("the notification says %s although the app did not finish", n.Status))
	case n.Status != protocol.RunSuccess:
		found = append(found, fmt.Sprintf("the app succeeded, but the notification says %s %s", n.Status, failureOf(n.RunNotification)))
	case n.Output != *f.result:
		found = append(found, fmt.Sprintf("the notification says %+v, but the app returned %+v", n.Output, *f.result))
	}
	return found
}
