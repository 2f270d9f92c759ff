package intake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/runhook/runhook/server/internal/intake"
	"github.com/runhook/runhook/server/internal/spool"
)

const mebibyte = 1 << 20

func newRoom(t *testing.T, limits intake.Limits) *intake.Room {
	t.Helper()
	file, err := spool.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return intake.NewRoom(limits, file)
}

func TestABodyIsReadAsItIsHoweverItArrives(t *testing.T) {
	t.Parallel()
	room := newRoom(t, intake.Limits{Memory: 8 * mebibyte, Disk: 64 * mebibyte})
	for _, size := range []int{0, 1, 4096, 4097, 32 << 10, 32<<10 + 1, 300_000, 3*mebibyte + 5} {
		want := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
		for name, arrival := range map[string]io.Reader{
			"at once": bytes.NewReader(want), "in halves": iotest.HalfReader(bytes.NewReader(want)), "with its end": iotest.DataErrReader(bytes.NewReader(want)),
		} {
			for _, length := range []int64{int64(size), -1} {
				if seeker, ok := arrival.(io.Seeker); ok {
					seeker.Seek(0, io.SeekStart)
				} else if length < 0 {
					arrival = iotest.HalfReader(bytes.NewReader(want))
				}
				body, err := room.Read(t.Context(), "e", arrival, length, 16*mebibyte)
				if err != nil || !bytes.Equal(body.Bytes, want) {
					t.Fatalf("%d bytes %s of length %d: %v", size, name, length, err)
				}
				body.Release()
				body.Release()
			}
		}
	}
}

func TestABodyThatIsTooLargeIsRefusedBeforeItIsReadOrWhenItIs(t *testing.T) {
	t.Parallel()
	room := newRoom(t, intake.Limits{Memory: mebibyte, Disk: 8 * mebibyte})
	var tooLarge *intake.TooLargeError
	if _, err := room.Read(t.Context(), "e", unreadable{t}, 1001, 1000); !errors.As(err, &tooLarge) || tooLarge.Most != 1000 {
		t.Errorf("one that says so: %v", err)
	}
	for _, most := range []int64{1000, 100_000} {
		if _, err := room.Read(t.Context(), "e", endless{}, -1, most); !errors.As(err, &tooLarge) {
			t.Errorf("one without a length: %v", err)
		}
	}
}

func TestABodyThatIsCutIsAnError(t *testing.T) {
	t.Parallel()
	room := newRoom(t, intake.Limits{Memory: mebibyte, Disk: 8 * mebibyte})
	cut := errors.New("cut")
	for _, size := range []int{10, 100_000} {
		for _, length := range []int64{int64(size) + 1, 600_000, -1} {
			_, err := room.Read(t.Context(), "e", io.MultiReader(strings.NewReader(strings.Repeat("x", size)), iotest.ErrReader(cut)), length, mebibyte)
			if !errors.Is(err, cut) {
				t.Errorf("%d of %d bytes: %v", size, length, err)
			}
		}
	}
	// Nothing of them counts any more.
	body, err := room.Read(t.Context(), "e", bytes.NewReader(make([]byte, mebibyte)), mebibyte, mebibyte)
	if err != nil {
		t.Fatal(err)
	}
	body.Release()
}

func TestBodiesThatAreWithheldTakeNoMemoryFromOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := newRoom(t, intake.Limits{Memory: mebibyte, Disk: 1024 * mebibyte})
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error)
		const many, size = 100, 200_000
		for range many {
			go func() {
				_, err := room.Read(t.Context(), "e", withheld(ctx, size-1), size, size)
				ended <- err
			}()
		}
		synctest.Wait()
		body, err := room.Read(t.Context(), "e", bytes.NewReader(make([]byte, size)), size, size)
		if err != nil {
			t.Fatalf("a body that is whole: %v", err)
		}
		body.Release()
		leave()
		for range many {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("a body that was withheld: %v", err)
			}
		}
	})
}

func TestBeyondTheBudgetABodyIsRefused(t *testing.T) {
	t.Parallel()
	room := newRoom(t, intake.Limits{Memory: 100_000, Disk: 16 * mebibyte})
	var held []*intake.Body
	for _, environment := range []string{"a", "b"} {
		for range 5 {
			held = append(held, read(t, room, environment, 10_000))
		}
	}
	var busy *intake.BusyError
	if _, err := room.Read(t.Context(), "a", bytes.NewReader(make([]byte, 10_000)), 10_000, mebibyte); !errors.As(err, &busy) || !busy.OfGroup {
		t.Errorf("an environment that has its half: %v", err)
	}
	if _, err := room.Read(t.Context(), "c", bytes.NewReader(make([]byte, 10_000)), 10_000, mebibyte); !errors.As(err, &busy) || busy.OfGroup {
		t.Errorf("another when all is taken: %v", err)
	}
	held[0].Release()
	read(t, room, "c", 10_000).Release()
	for _, body := range held[1:] {
		body.Release()
	}
	// One above the limit is read alone.
	read(t, room, "a", mebibyte).Release()
}

func TestShortBodiesAreReadWhileALargeOneTakesTheRoom(t *testing.T) {
	t.Parallel()
	room := newRoom(t, intake.Limits{Memory: 100_000, Disk: 16 * mebibyte})
	large := read(t, room, "a", mebibyte)
	for _, length := range []int64{3000, -1} {
		body, err := room.Read(t.Context(), "a", bytes.NewReader(make([]byte, 3000)), length, mebibyte)
		if err != nil || len(body.Bytes) != 3000 {
			t.Errorf("a short body whose length is said to be %d: %v", length, err)
		}
		body.Release()
	}
	large.Release()
	read(t, room, "a", 50_000).Release() // what short ones count for was not given back
}

func TestTheDiskIsWithinItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := newRoom(t, intake.Limits{Memory: 100_000, Disk: 2 * mebibyte})
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := room.Read(t.Context(), "a", withheld(ctx, mebibyte-1), -1, 16*mebibyte)
			ended <- err
		}()
		synctest.Wait()
		var busy *intake.BusyError
		if _, err := room.Read(t.Context(), "a", endless{}, -1, 16*mebibyte); !errors.As(err, &busy) || !busy.OfGroup {
			t.Errorf("more of the same: %v", err)
		}
		leave()
		<-ended
		read(t, room, "a", mebibyte).Release()
	})
}

func TestWhoIsPatientWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := newRoom(t, intake.Limits{Memory: 100_000, Disk: 16 * mebibyte, Patience: 3 * time.Second})
		held := read(t, room, "a", 50_000)
		began := time.Now()
		var busy *intake.BusyError
		if _, err := room.Read(t.Context(), "a", bytes.NewReader(make([]byte, 10_000)), 10_000, mebibyte); !errors.As(err, &busy) || time.Since(began) != 3*time.Second {
			t.Errorf("refused after %v: %v", time.Since(began), err)
		}
		time.AfterFunc(time.Second, held.Release)
		read(t, room, "a", 10_000).Release()
	})
}

func TestExecutionsWaitForAsLongAsItTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		room := newRoom(t, intake.Limits{Memory: 100_000, Disk: 2 * mebibyte, Patience: intake.Forever})
		held := read(t, room, "a", 50_000)
		const many = 20
		ended := make(chan error, many)
		for i := range many {
			length, size := int64(-1), 60_000*(i%3+1)
			if i%2 == 0 {
				length = int64(size)
			}
			go func() {
				body, err := room.Read(t.Context(), fmt.Sprint(i%2), bytes.NewReader(make([]byte, size)), length, 16*mebibyte)
				if err == nil {
					time.Sleep(time.Second) // as a request is worked on
				}
				body.Release()
				ended <- err
			}()
		}
		time.AfterFunc(10*time.Minute, held.Release)
		for range many {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		ctx, leave := context.WithCancel(t.Context())
		held = read(t, room, "a", 100_000)
		time.AfterFunc(time.Minute, leave)
		if _, err := room.Read(ctx, "a", bytes.NewReader(make([]byte, 10_000)), 10_000, mebibyte); !errors.Is(err, context.Canceled) {
			t.Errorf("who leaves: %v", err)
		}
		held.Release()
	})
}

func read(t *testing.T, room *intake.Room, environment string, size int64) *intake.Body {
	t.Helper()
	body, err := room.Read(t.Context(), environment, bytes.NewReader(make([]byte, size)), size, size)
	if err != nil {
		t.Fatalf("%d bytes of %s: %v", size, environment, err)
	}
	return body
}

// withheld is a body that stops after some bytes, until the context ends.
func withheld(ctx context.Context, size int) io.Reader {
	return io.MultiReader(bytes.NewReader(make([]byte, size)), waiting{ctx})
}

type waiting struct{ ctx context.Context }

func (w waiting) Read([]byte) (int, error) {
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

type endless struct{}

func (endless) Read(into []byte) (int, error) { return len(into), nil }

type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("it was read")
	return 0, io.EOF
}
