// Command withpostgres runs another command with a PostgreSQL server for tests:
//
//	withpostgres go test ./...
//
// The command finds the server's URL in RUNHOOK_TEST_POSTGRES, and the server
// ends when the command does. If that variable is set already, its server is
// used and none is started. The exit status is the command's.
//
//	withpostgres -find
//
// prints the folder of the PostgreSQL programs that would be used, or fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/runhook/runhook/server/internal/testpostgres"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(status)
}

func run(arguments []string) (status int, err error) {
	switch {
	case len(arguments) == 0:
		return 2, errors.New("say which command to run, or -find")
	case arguments[0] == "-find":
		return find()
	case os.Getenv(testpostgres.Variable) != "":
		return runCommand(arguments)
	}
	server, err := testpostgres.Open(context.Background())
	if err != nil {
		return 1, err
	}
	defer func() {
		if closeErr := server.Close(); closeErr != nil {
			status, err = 1, errors.Join(err, closeErr)
		}
	}()
	if err := os.Setenv(testpostgres.Variable, server.URL()); err != nil {
		return 1, err
	}
	return runCommand(arguments)
}

func find() (int, error) {
	folder, err := testpostgres.Find()
	if err != nil {
		return 1, err
	}
	fmt.Println(folder)
	return 0, nil
}

// runCommand leaves signals to the command: it hands them on and stays until
// the command has ended, so that the server outlives it.
func runCommand(arguments []string) (int, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case received := <-signals:
			// It fails only when the command has just ended.
			_ = command.Process.Signal(received)
		case err := <-ended:
			return exitStatus(err)
		}
	}
}

func exitStatus(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	default:
		return 1, err
	}
}
