package crash

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	kills = flag.Int("kills", 50, "how often something is killed or stopped on each engine")
	seed  = flag.Uint64("seed", 0, "what decides the order of the kills; 0 for a random one")
)

// asApp makes the test's own binary the app.
const asApp = "RUNHOOK_CRASH_APP"

var programFolder string

func TestMain(m *testing.M) {
	if os.Getenv(asApp) != "" {
		serveApp()
		return
	}
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	var err error
	if programFolder, err = os.MkdirTemp("", "runhook-crash-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(programFolder)
	os.Exit(status)
}

// program builds the runhook program, once, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "server-under-test")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/runhook")
	build.Dir = filepath.Join("..", "..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w\n%s", err, output)
	}
	return path, nil
})
