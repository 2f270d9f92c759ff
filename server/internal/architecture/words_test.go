package architecture

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// privateWords are words and phrases that this repository once used where the field
// has one of its own. They are looked for in identifiers, comments, texts and
// documents: GoesOn in a name counts as "goes on".
var privateWords = []struct{ private, field string }{
	{"courier", "deliverer"},
	{"couriers", "deliverers"},
	{"comes again", "is retried, or is delivered again"},
	{"came again", "was retried, or was delivered again"},
	{"get there first", "lose the lease"},
	{"got there first", "the lease is lost"},
	{"give up on", "a retry policy such as retryClientErrors"},
	{"heed", "handle, or retry after"},
	{"heeds", "handles"},
	{"look routes", "read routes"},
	{"midst", "middle, or during"},
	{"nothing was kept", "rolled back"},
	{"take turn", "try acquire lease"},
	{"whomever", "the caller that"},
}

// allowedWords are the files in which such a word is not a private one.
var allowedWords = []struct{ path, word, reason string }{
	{"server/internal/store/upgrade_test.go", "give up on", "a row as it was stored under the old name"},
}

// sourceFile matches the files that are searched: what people read. Migrations are
// left out, as their text never changes.
var sourceFile = regexp.MustCompile(`\.(go|js|mjs|md|sh|html|py)$`)

func TestTheWordsAreThoseOfTheField(t *testing.T) {
	t.Parallel()
	names, err := exec.Command("git", "-c", "safe.directory=*", "-C", repository, "ls-files").Output()
	if err != nil {
		t.Fatalf("list the files of the repository: %v", err)
	}
	used := map[int]bool{}
	for path := range strings.Lines(string(names)) {
		path = strings.TrimSpace(path)
		if !sourceFile.MatchString(path) || path == "server/internal/architecture/words_test.go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(repository, path))
		if os.IsNotExist(err) {
			continue // removed, but not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			words := plainWords(line)
			for _, word := range privateWords {
				if !strings.Contains(words, " "+word.private+" ") {
					continue
				}
				if i := allowance(path, word.private); i >= 0 {
					used[i] = true
					continue
				}
				t.Errorf("%s:%d says %q: the field's word is %s", path, n+1, word.private, word.field)
			}
		}
	}
	for i, allowed := range allowedWords {
		if !used[i] {
			t.Errorf("%s may say %q, but does not any more: take it off the list", allowed.path, allowed.word)
		}
	}
}

func allowance(path, word string) int {
	for i, allowed := range allowedWords {
		if allowed.word == word && (path == allowed.path || strings.HasSuffix(allowed.path, "/") && strings.HasPrefix(path, allowed.path)) {
			return i
		}
	}
	return -1
}

func TestNamesAreTakenApartIntoWords(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"func (r *run) goesOnAfter(id string)": " func r run goes on after id string ",
		"// It HTTPStatus tells_of":            " it http status tells of ",
		"":                                     "  ",
	} {
		if got := plainWords(line); got != want {
			t.Errorf("the words of %q are %q, want %q", line, got, want)
		}
	}
}

// plainWords returns the words of a line in lower case with a space before, between
// and behind them; a name such as goesOn is taken apart.
func plainWords(line string) string {
	var words []string
	for _, field := range strings.FieldsFunc(line, func(r rune) bool { return !unicode.IsLetter(r) }) {
		letters := []rune(field)
		start := 0
		for i := 1; i < len(letters); i++ {
			lowerBefore, upper := unicode.IsLower(letters[i-1]), unicode.IsUpper(letters[i])
			lastOfCapitals := unicode.IsUpper(letters[i-1]) && upper && i+1 < len(letters) && unicode.IsLower(letters[i+1])
			if lowerBefore && upper || lastOfCapitals {
				words = append(words, strings.ToLower(string(letters[start:i])))
				start = i
			}
		}
		words = append(words, strings.ToLower(string(letters[start:])))
	}
	return " " + strings.Join(words, " ") + " "
}
