package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// The places that the tests need, seen from this folder.
const (
	serverModule = "../.."
	appFolder    = "../../../e2e"
)

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "runhook-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programFolder = folder
	status := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(status)
}

var programFolder string

// program builds the runhook program, once, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "runhook")
	// The checkout may belong to another user, whom Go would not stamp it for.
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/runhook")
	build.Dir = serverModule
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, output)
	}
	return path, nil
})
