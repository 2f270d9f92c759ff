package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEachRowOfTheTableOfBoundsNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	text, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| what | bound | setting | test |\n| --- | --- | --- | --- |\n")
	if !found {
		t.Fatal("SECURITY.md has no table of bounds")
	}
	listed, err := exec.Command("git", "-c", "safe.directory=*", "-C", root, "grep", "-hE", "^func Test", "--", "*_test.go").Output()
	if err != nil {
		t.Fatalf("list the tests: %v", err)
	}
	tests := string(listed)
	name := regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	rows := 0
	for row := range strings.Lines(table) {
		if !strings.HasPrefix(row, "|") {
			break
		}
		rows++
		named := name.FindAllStringSubmatch(row, -1)
		if len(named) == 0 {
			t.Errorf("this row names no test: %s", row)
		}
		for _, match := range named {
			if !strings.Contains(tests, "func "+match[1]+"(") {
				t.Errorf("there is no test %s, which this row names: %s", match[1], row)
			}
		}
	}
	if rows == 0 {
		t.Error("the table of bounds is empty")
	}
}
