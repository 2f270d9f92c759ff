package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath   string
	Dir          string
	Doc          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// loadPackages lists every package of both modules.
func loadPackages(t *testing.T) []listed {
	t.Helper()
	packages, err := listPackages()
	if err != nil {
		t.Fatalf("listing the packages of both modules: %v", err)
	}
	if len(packages) == 0 {
		t.Fatal("go list found no packages")
	}
	return packages
}

var listPackages = sync.OnceValues(func() (packages []listed, err error) {
	// -e, since a package that does not compile is for the compiler to report.
	command := exec.Command("go", "list", "-e",
		"-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports", "./...", "./server/...")
	command.Dir = filepath.Join("..", "..", "..")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return nil, errors.Join(err, errors.New(complaints.String()))
	}
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var next listed
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, err
		}
		packages = append(packages, next)
	}
})
