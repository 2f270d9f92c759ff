//go:build unix

package demo_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var serverAddress = regexp.MustCompile(`server +started .* http://([0-9.:]+)`)

// endless returns a demo that writes more than a pipe holds, so that it cannot
// come to its end before the test has read on.
func endless(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	demo := command(t, append(arguments, slices.Repeat([]string{"text.txt"}, 200)...)...)
	if err := os.WriteFile(filepath.Join(demo.Dir, "text.txt"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	return demo
}

// startUntil starts a demo and returns when it has written a line with the text,
// with the address of its server.
func startUntil(t *testing.T, demo *exec.Cmd, text string) (address string, output *bufio.Reader) {
	t.Helper()
	pipe, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	output = bufio.NewReader(pipe)
	for {
		line, err := output.ReadString('\n')
		if err != nil {
			t.Fatalf("the demo ended before it wrote %q: %v", text, err)
		}
		if found := serverAddress.FindStringSubmatch(line); found != nil {
			address = found[1]
		}
		if strings.Contains(line, text) {
			return address, output
		}
	}
}

// wantRefused fails if something listens at the address.
func wantRefused(t *testing.T, address string) {
	t.Helper()
	if connection, err := net.Dial("tcp", address); err == nil {
		connection.Close()
		t.Error("the server was left behind")
	}
}

func TestCtrlCStopsEverything(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"accepted", "SIGKILL", "back", "verified"} {
		t.Run("after "+moment, func(t *testing.T) {
			t.Parallel()
			demo := endless(t)
			address, output := startUntil(t, demo, moment)
			// A terminal sends the signal to all processes in the foreground.
			if err := syscall.Kill(-demo.Process.Pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(output)
			if err != nil {
				t.Fatal(err)
			}
			demo.Wait()
			if status := demo.ProcessState.ExitCode(); status != 1 || strings.Contains(string(rest), "All as promised") {
				t.Errorf("exit status %d, and then\n%s", status, rest)
			}
			wantRefused(t, address)
		})
	}
}

func TestTheServerEndsWithADemoThatIsKilled(t *testing.T) {
	t.Parallel()
	demo := endless(t, "--no-crash", "--data-dir", t.TempDir())
	address, output := startUntil(t, demo, "asleep")
	if err := demo.Process.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, output)
	demo.Wait()
	// A server that stays hangs up on the silent again and again, and the test
	// does not come to its end.
	for {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		io.Copy(io.Discard, connection)
		connection.Close()
	}
}
