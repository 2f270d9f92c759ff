package runhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/runhook/runhook"
	"github.com/runhook/runhook/protocol"
)

// inOrder runs the functions in goroutines, each once the one before has ended.
func inOrder(order []int, functions ...func()) {
	var group sync.WaitGroup
	ended := make([]chan struct{}, len(order)+1)
	for i := range ended {
		ended[i] = make(chan struct{})
	}
	close(ended[0])
	for place, i := range order {
		group.Go(func() {
			<-ended[place]
			functions[i]()
			close(ended[place+1])
		})
	}
	group.Wait()
}

// place is where a task belongs: its branches, or items, and its key.
func place(task protocol.Task) string {
	names := []string{task.Name}
	for _, property := range task.Properties {
		names = append([]string{property.Text}, names...)
	}
	return strings.Join(names, "/")
}

func TestKeysOfTasksOnBranchesDoNotDependOnTheOrderOfGoroutines(t *testing.T) {
	keys := map[string]string{}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		server, run := define(t, func(ctx context.Context) (none, error) {
			a, b := runhook.Branch(ctx, "a"), runhook.Branch(ctx, "b")
			nested := runhook.Branch(a, "b")
			step := func(ctx context.Context) func() { return func() { _ = runhook.Do(ctx, "step", nothing) } }
			inOrder(order, step(a), step(b), step(nested))
			return none{}, nil
		})
		server.Settle()
		wantStatus(t, run, protocol.RunSuccess)
		if len(run.Tasks()) != 3 {
			t.Fatalf("made %d tasks", len(run.Tasks()))
		}
		for _, task := range run.Tasks() {
			at := place(task)
			if known, ok := keys[at]; ok && known != task.IdempotencyKey {
				t.Errorf("in order %v, %s has key %s, and %s before", order, at, task.IdempotencyKey, known)
			}
			keys[at] = task.IdempotencyKey
		}
	}
	distinct := map[string]bool{}
	for _, key := range keys {
		distinct[key] = true
	}
	if len(keys) != 3 || len(distinct) != 3 {
		t.Errorf("the keys are %v", keys)
	}
}

func TestABranchesKeyIsNoPartOfAKey(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		return none{}, errors.Join(
			runhook.Do(runhook.Branch(ctx, "a"), "b", nothing),
			runhook.Do(ctx, "a", nothing, runhook.Key("b")),
			runhook.Do(runhook.Branch(ctx, "a:b"), "c", nothing),
			runhook.Do(runhook.Branch(runhook.Branch(ctx, "x"), "b"), "c", nothing),
		)
	})
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
}

func TestBranchesInBranchesSuspendSideBySide(t *testing.T) {
	var mu sync.Mutex
	var ran []string
	server, run := define(t, func(ctx context.Context) (none, error) {
		return none{}, plainGroup(ctx, []func(context.Context) error{
			func(ctx context.Context) error {
				return plainGroup(ctx, []func(context.Context) error{
					func(ctx context.Context) error { return runhook.Sleep(ctx, "sleep", time.Hour) },
					func(ctx context.Context) error { return runStep(ctx, "step", &mu, &ran) },
				})
			},
			func(ctx context.Context) error {
				return errors.Join(runStep(ctx, "step", &mu, &ran), runhook.Sleep(ctx, "sleep", time.Hour))
			},
		})
	})
	server.Settle()
	wantAnswers(t, run, "RESUME_WITH_PARALLEL_TASK")
	if got := len(run.Answers[0].ChildErrors); got != 2 || len(ran) != 2 {
		t.Errorf("%d suspensions, %v", got, ran)
	}
	settleFor(server, run, time.Hour, 1)
	wantAnswers(t, run, "RESUME_WITH_PARALLEL_TASK SUCCESS")
	if len(ran) != 2 {
		t.Errorf("ran %v", ran)
	}
}

func TestABranchMadeAfterAnotherWasSuspendedContinues(t *testing.T) {
	steps := 0
	server, run := define(t, func(ctx context.Context) (none, error) {
		slow := runhook.Sleep(runhook.Branch(ctx, "slow"), "sleep", time.Hour)
		_, quick := runhook.Task(runhook.Branch(ctx, "quick"), "step", once(&steps, none{}))
		return none{}, errors.Join(slow, quick)
	})
	server.Settle()
	if steps != 1 {
		t.Errorf("the other branch ran %d steps, answers %s", steps, answers(run))
	}
	settleFor(server, run, time.Hour, 1)
	wantAnswers(t, run, "RESUME_WITH_TASK SUCCESS")
}

func TestCallsThatOverlapOnOneCtxFailTheRun(t *testing.T) {
	// meanwhile makes a call in a goroutine while a task of outer is in progress.
	meanwhile := func(outer context.Context, call func() error) (err, task error) {
		task = runhook.Do(outer, "first", func(context.Context) error {
			var group sync.WaitGroup
			group.Go(func() { err = call() })
			group.Wait()
			return nil
		})
		return err, task
	}
	calls := map[string]func(ctx context.Context) error{
		"a task":     func(ctx context.Context) error { return runhook.Do(ctx, "second", nothing) },
		"a wait":     func(ctx context.Context) error { return runhook.Sleep(ctx, "second", time.Hour) },
		"a yield":    func(ctx context.Context) error { return runhook.Yield(ctx, "second") },
		"in a group": func(ctx context.Context) error { return cancelingGroupOfOne(ctx) },
	}
	for name, call := range calls {
		for _, swallow := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, swallowed %v", name, swallow), func(t *testing.T) {
				var second error
				server, run := define(t, func(ctx context.Context) (none, error) {
					err, task := meanwhile(ctx, func() error { return call(ctx) })
					if second = err; swallow {
						return none{}, nil
					}
					return none{}, errors.Join(task, err)
				})
				server.Settle()
				failed := runError(t, run)
				for _, want := range []string{`task "second": it was called while task "first" of the same ctx is in progress`, "runhook.Branch(ctx, key)", "runhook.Parallel"} {
					if !strings.Contains(failed.Message, want) || second == nil || !strings.Contains(second.Error(), want) {
						t.Errorf("the run failed with %q, the call with %v", failed.Message, second)
					}
				}
			})
		}
	}
}

func cancelingGroupOfOne(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return runhook.Do(ctx, "second", nothing)
}

func TestOverlappingCallsInsideATaskAreNotTriedAgain(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		return none{}, runhook.Do(ctx, "outer", func(ctx context.Context) error {
			return runhook.Do(ctx, "first", func(context.Context) error { return runhook.Do(ctx, "second", nothing) })
		}, runhook.RetryPolicy{MaxAttempts: 3})
	})
	server.Settle()
	wantAnswers(t, run, "ERROR")
}

func TestLogMessagesMayComeFromAnyGoroutine(t *testing.T) {
	server, run := define(t, func(ctx context.Context) (none, error) {
		logger := runhook.Logger(ctx)
		return none{}, runhook.Do(ctx, "task", func(inner context.Context) error {
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					logger.Info("from outside")
					runhook.Log(inner, slog.LevelInfo, "from inside", nil)
				})
			}
			group.Wait()
			return nil
		})
	})
	server.Settle()
	wantStatus(t, run, protocol.RunSuccess)
	if got := len(run.Tasks()); got != 9 {
		t.Errorf("%d tasks", got)
	}
}

func TestABranchNeedsAKeyOfItsOwn(t *testing.T) {
	for name, keys := range map[string][]string{"used twice": {"a", "a"}, "empty": {"", "b"}} {
		t.Run(name, func(t *testing.T) {
			server, run := define(t, func(ctx context.Context) (none, error) {
				var errs []error
				for i, key := range keys {
					errs = append(errs, runhook.Do(runhook.Branch(ctx, key), fmt.Sprint("step ", i), nothing))
				}
				return none{}, errors.Join(errs...)
			})
			server.Settle()
			if failed := runError(t, run); !strings.Contains(failed.Message, "branch") {
				t.Errorf("failed with %+v", failed)
			}
		})
	}
	if ctx := context.Background(); runhook.Branch(ctx, "a") != ctx {
		t.Error("a branch outside of a run is another ctx")
	}
}

// The app is lost while some branches are behind others, and again.
func TestBranchesResumeAfterACrash(t *testing.T) {
	var mu sync.Mutex
	ran := map[string]int{}
	crash := make(chan context.CancelFunc, 1)
	server, run := define(t, func(ctx context.Context) (string, error) {
		results := make([]string, 3)
		err := cancelingGroup(ctx, slices.Collect(func(yield func(func(context.Context) error) bool) {
			for i := range results {
				yield(func(ctx context.Context) (err error) {
					for step := range 3 {
						_, err = runhook.Task(ctx, "step", func(ctx context.Context) (int, error) {
							mu.Lock()
							defer mu.Unlock()
							ran[fmt.Sprint(i, step)]++
							if i == step {
								select {
								case lose := <-crash:
									lose()
									return 0, ctx.Err()
								default:
								}
							}
							return 0, nil
						}, runhook.Key(step))
						if err != nil {
							return err
						}
						results[i] += fmt.Sprint(step)
					}
					return nil
				})
			}
		}))
		return strings.Join(results, " "), err
	})
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		crash <- cancel
		run.ExecuteIn(ctx)
	}
	settleFor(server, run, time.Minute, 1)
	text, _ := json.Marshal("012 012 012")
	wantOutput(t, run, string(text))
	if len(ran) != 9 || len(run.Tasks()) != 9 {
		t.Errorf("ran %v as %d tasks", ran, len(run.Tasks()))
	}
}
