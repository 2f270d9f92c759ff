package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDocumentsThatSourcesNameAreThere(t *testing.T) {
	t.Parallel()
	// The examples of the rules for citations are of documents that are not there.
	named, err := exec.Command("git", "-c", "safe.directory=*", "-C", repository, "grep", "-nIE", `docs/[a-z0-9/_.-]+\.(md|json)`, "--", "*.go", ":!*/citations_test.go").Output()
	if err != nil {
		t.Fatalf("list what sources name: %v", err)
	}
	document := regexp.MustCompile(`docs/[a-z0-9/_.-]+\.(md|json)`)
	for line := range strings.Lines(string(named)) {
		for _, path := range document.FindAllString(line, -1) {
			if _, err := os.Stat(filepath.Join(repository, path)); err != nil {
				t.Errorf("%s is not there, which is named in %s", path, line)
			}
		}
	}
}
