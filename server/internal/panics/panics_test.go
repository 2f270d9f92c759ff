package panics_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/runhook/runhook/server/internal/panics"
)

func TestAPanicIsAnErrorWithTheStackOfItsPlace(t *testing.T) {
	var caught *panics.Error
	err := panics.Catch(func() error { return inner() })
	if !errors.As(err, &caught) || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(string(caught.Stack), "inner") {
		t.Fatalf("caught %v", err)
	}
	if again := panics.Catch(func() error { panic(err) }); again != err {
		t.Errorf("a panic that was passed on is %v, want what was caught first", again)
	}
	if err := panics.Catch(func() error { return io.EOF }); err != io.EOF {
		t.Errorf("without a panic the error is %v", err)
	}
}

//go:noinline
func inner() error { panic(io.ErrUnexpectedEOF) }
