package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/runhook/runhook"
)

// fileToRead is the payload of the job.
type fileToRead struct {
	// Number is the file's place among those of the demo.
	Number int    `json:"number"`
	File   string `json:"file"`
}

// report is the output of the job.
type report struct {
	File         string       `json:"file"`
	Bytes        int64        `json:"bytes"`
	SHA256       string       `json:"sha256"`
	Words        int          `json:"words"`
	MostFrequent frequentWord `json:"mostFrequent"`
}

// The tasks of the job, in their order, with the wait before the last.
const (
	taskRead         = "read"
	taskHash         = "hash"
	taskCount        = "count"
	taskMostFrequent = "most-frequent"
	taskWait         = "wait"
	taskReport       = "report"
)

var taskKeys = []string{taskRead, taskHash, taskCount, taskMostFrequent, taskReport}

// taskNames are what people see the tasks as.
var taskNames = map[string]runhook.Name{
	taskRead:         "Read the file",
	taskHash:         "Compute its SHA-256",
	taskCount:        "Count its words",
	taskMostFrequent: "Find the most frequent word",
	taskReport:       "Report",
}

// pause is how long every run waits before its last task.
const pause = time.Second

// app is the program whose job the server runs.
type app struct {
	ledger *ledger
	job    *runhook.Job[fileToRead, report]
}

func newApp(sdk *runhook.App, l *ledger) *app {
	a := &app{ledger: l}
	a.job = runhook.NewJob(sdk, "examine-text", "1.0.0", runhook.OnInvoke[fileToRead](), a.examine)
	return a
}

// examine is the job. It is called again whenever its run resumes; tasks that
// finished return what was recorded.
func (a *app) examine(ctx context.Context, payload fileToRead) (report, error) {
	f, err := a.ledger.enter(payload.Number)
	if err != nil {
		return report{}, err
	}
	result, err := a.steps(ctx, f, report{File: payload.File})
	a.ledger.leave(f, err)
	return result, err
}

func (a *app) steps(ctx context.Context, f *file, r report) (report, error) {
	var err error
	if r.Bytes, err = task(a, ctx, f, taskRead, reading(f, checkText)); err != nil {
		return r, err
	}
	if r.SHA256, err = task(a, ctx, f, taskHash, reading(f, hash)); err != nil {
		return r, err
	}
	if r.Words, err = task(a, ctx, f, taskCount, reading(f, countWords)); err != nil {
		return r, err
	}
	if r.MostFrequent, err = task(a, ctx, f, taskMostFrequent, reading(f, mostFrequent)); err != nil {
		return r, err
	}
	if err := runhook.Sleep(ctx, taskWait, pause); err != nil {
		if errors.Is(err, runhook.ErrSuspended) && ctx.Err() == nil {
			a.ledger.asleep(f)
		}
		return r, err
	}
	return task(a, ctx, f, taskReport, func(context.Context) (report, error) { return r, nil })
}

// reading returns the function of a task that reads the file.
func reading[T any](f *file, read func(io.Reader) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		text, err := open(ctx, f.path)
		if err != nil {
			var none T
			return none, err
		}
		defer text.Close()
		return read(text)
	}
}

// task is runhook.Task with a count of how often its function was executed, and
// a place where some are held until the server is killed.
func task[T any](a *app, ctx context.Context, f *file, key string, run func(context.Context) (T, error)) (T, error) {
	result, err := runhook.Task(ctx, key, func(ctx context.Context) (result T, err error) {
		held := a.ledger.begin(f, key)
		defer func() { a.ledger.end(f, key, held, ctx.Err() != nil) }()
		if held {
			<-ctx.Done()
			return result, context.Cause(ctx)
		}
		return run(ctx)
	}, taskNames[key], runhook.Params(map[string]string{"file": f.path}))
	var failed *runhook.TaskError
	switch {
	case err == nil:
		a.ledger.completed(f, key, result, describe(result))
	case errors.As(err, &failed):
		a.ledger.failed(f, key, failed.Err.Message)
	}
	return result, err
}

// describe says in a few words what a task returned.
func describe(result any) string {
	switch r := result.(type) {
	case int64:
		return fmt.Sprintf("%s of UTF-8 text", counted(int(r), "byte"))
	case string:
		return "sha256 " + r[:12] + "…"
	case int:
		return counted(r, "word")
	case frequentWord:
		return r.String()
	}
	return "done"
}

// String returns the word with how often it is there.
func (w frequentWord) String() string {
	if w.Times == 0 {
		return "no words"
	}
	return fmt.Sprintf("%s (%s)", w.Word, thousands(w.Times))
}

// counted returns a number with what it counts.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + one + "s"
}

// thousands returns a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	var parts []string
	for len(text) > 3 {
		parts = append([]string{text[len(text)-3:]}, parts...)
		text = text[:len(text)-3]
	}
	return strings.Join(append([]string{text}, parts...), ",")
}
