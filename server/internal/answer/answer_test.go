package answer_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/answer"
	"github.com/runhook/runhook/server/internal/budget"
	"github.com/runhook/runhook/server/internal/spool"
)

// room returns a room with 4,000 bytes of memory, of which what is loaded takes four
// times as much, and 1 MiB of disk.
func room(t *testing.T) *answer.Room {
	t.Helper()
	file, err := spool.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return answer.NewRoom(answer.Limits{Memory: 4000, Disk: 1 << 20, Patience: time.Second}, file)
}

func TestWhatIsLoadedWaitsForRoomAndIsRefusedWithoutIt(t *testing.T) {
	t.Parallel()
	r := room(t)
	synctest.Test(t, func(t *testing.T) {
		loaded := make(chan struct{})
		release := make(chan struct{})
		go func() {
			defer close(loaded)
			err := r.Load(t.Context(), "a", func(reserve func(int64) error) error {
				if err := reserve(300); err != nil {
					return err
				}
				<-release
				return reserve(50)
			})
			if err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		tries := 0
		load := func(reserve func(int64) error) error {
			tries++
			return reserve(300)
		}
		err := r.Load(t.Context(), "a", load)
		if exceeded, ok := errors.AsType[*budget.ExceededError](err); !ok || !exceeded.Group || tries != 1 {
			t.Errorf("after %d tries the error is %v", tries, err)
		}
		if err := r.Load(t.Context(), "b", load); err != nil {
			t.Errorf("another environment is held up: %v", err)
		}
		left, leave := context.WithCancel(t.Context())
		leave()
		if err := r.Load(left, "a", load); !errors.Is(err, context.Canceled) {
			t.Errorf("the error of a caller that left is %v", err)
		}
		tries = 0
		go func() {
			time.Sleep(time.Second / 2)
			close(release)
		}()
		if err := r.Load(t.Context(), "a", load); err != nil || tries != 2 {
			t.Errorf("after %d tries the error is %v", tries, err)
		}
		<-loaded
		if err := r.Load(t.Context(), "a", func(reserve func(int64) error) error { return reserve(1 << 30) }); err != nil {
			t.Errorf("what is larger than all is not loaded alone: %v", err)
		}
	})
}

func TestAnAnswerIsWhatWasWrittenHoweverLongItIs(t *testing.T) {
	t.Parallel()
	r := room(t)
	for _, pieces := range []int{0, 1, 100, 5000} {
		a := r.New("a")
		var want bytes.Buffer
		for range pieces {
			text := strings.Repeat("0123456789", 10)
			want.WriteString(text)
			if _, err := a.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		var got bytes.Buffer
		if _, err := a.WriteTo(&got); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) || a.Size() != int64(want.Len()) {
			t.Errorf("%d bytes were written, and %d of %d are there: %v", want.Len(), got.Len(), a.Size(), err)
		}
		a.Close()
	}
}

func TestTheDiskOfAnswersIsWithinItsBudget(t *testing.T) {
	t.Parallel()
	r := room(t)
	first, second, other := r.New("a"), r.New("a"), r.New("b")
	defer other.Close()
	text := make([]byte, 400<<10)
	if _, err := first.Write(text); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Write(text); !errors.Is(err, budget.ErrExceeded) {
		t.Errorf("beyond the share of an environment the error is %v", err)
	}
	if _, err := other.Write(text); err != nil {
		t.Errorf("another environment is held up: %v", err)
	}
	first.Close()
	second.Close()
	if err := second.Expect(t.Context(), 500<<10); err != nil {
		t.Errorf("what an answer took is not given back: %v", err)
	}
	second.Close()
}
