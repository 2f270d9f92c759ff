package runhook

import (
	"bytes"
	"reflect"
	"runtime"
	"strconv"
)

// The functions here answer one question, and only after something has
// suspended: could the code that makes a call have seen the suspension? Nothing
// else depends on them. Where they cannot tell, the answer is yes, and the call
// waits for a later execution.

var ownFunctionName = runtime.FuncForPC(reflect.ValueOf((*scope).own).Pointer()).Name()

// onOwnGoroutine reports whether the caller runs on the goroutine that calls a
// scope's function, and not on one that the function has started.
func onOwnGoroutine() bool {
	var counters [64]uintptr
	for skip := 1; ; {
		count := runtime.Callers(skip, counters[:])
		frames := runtime.CallersFrames(counters[:count])
		for more := count > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if frame.Function == ownFunctionName {
				return true
			}
		}
		if count < len(counters) {
			return false
		}
		skip += count
	}
}

// goroutineID returns the number that the runtime prints for the calling
// goroutine, or 0.
func goroutineID() uint64 {
	var buffer [64]byte
	text, _ := bytes.CutPrefix(buffer[:runtime.Stack(buffer[:], false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	id, _ := strconv.ParseUint(string(number), 10, 64)
	return id
}
