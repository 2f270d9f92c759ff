package architecture

import (
	"bufio"
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// repository is the root of the checkout, seen from this folder.
var repository = filepath.Join("..", "..", "..")

// protocolFolder holds the rules that comments cite; see its README.md.
const protocolFolder = "docs/protocol/"

func TestCommentsCiteWhatIsInTheRepository(t *testing.T) {
	t.Parallel()
	documents, err := readDocuments(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tracked(t, "*.go", "*.sql", "*.js", "*.mjs", "*.cjs", "*.ts", "*.sh") {
		text, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range comments(name, text) {
			for _, problem := range documents.check(path.Dir(name), c.text) {
				t.Errorf("%s:%d: %s", name, c.line, problem)
			}
		}
	}
}

func TestProtocolDocumentsNameSectionsThatExist(t *testing.T) {
	t.Parallel()
	documents, err := readDocuments(repository)
	if err != nil {
		t.Fatal(err)
	}
	if len(documents.sections) == 0 {
		t.Fatalf("there is no document in %s", protocolFolder)
	}
	for name := range documents.sections {
		text, err := os.ReadFile(filepath.Join(repository, protocolFolder+name))
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range documents.checkReferences(name, string(text)) {
			t.Errorf("%s%s: %s", protocolFolder, name, problem)
		}
	}
}

func TestTheRulesForCitations(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, text := range map[string]string{
		"docs/protocol/runs.md": "# Runs\n## 2. Ends\n### 2.1 How\n1. first\n2. second\n| T7 | a |\n| 46 | b |\n```text illustration\n### 9.9 no section\n```\nSee §2.1 and api.md §3.\n",
		"docs/protocol/api.md":  "## 3. Routes\n",
		"CONTRIBUTING.md":       "",
		"store/format.md":       "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	documents, err := readDocuments(root)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ comment, problem string }{
		{"a section (docs/protocol/runs.md §2.1).", ""},
		{"two sections (docs/protocol/runs.md §2 to §2.1)", ""},
		{"a numbered rule: docs/protocol/runs.md §2.1.2", ""},
		{"a row: docs/protocol/runs.md §2.1.46, §T7 and docs/protocol/api.md §3", ""},
		{"a whole document, docs/protocol/api.md; another, CONTRIBUTING.md; and format.md beside it", ""},
		{"a page elsewhere, https://example.com/page.md", ""},
		{"docs/protocol/runs.md §2.7", "docs/protocol/runs.md has no §2.7"},
		{"docs/protocol/runs.md §2 and §4", "docs/protocol/runs.md has no §4"},
		{"docs/protocol/runs.md §2.1.3", "docs/protocol/runs.md has no §2.1.3"},
		{"docs/protocol/runs.md §9.9", "docs/protocol/runs.md has no §9.9"},
		{"docs/protocol/tasks.md §1", "docs/protocol/tasks.md is not in the repository"},
		{"the rule of execution.md 2.8", "execution.md is not in the repository"},
		{"see §2.1", "§2.1 follows no document of docs/protocol"},
		{"runs.md §2.1", "runs.md is not in the repository; §2.1 follows no document of docs/protocol"},
	}
	for _, test := range tests {
		t.Run(test.comment, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(documents.check("store", test.comment), "; "); got != test.problem {
				t.Errorf("problems: %q, want %q", got, test.problem)
			}
		})
	}
	t.Run("a document that names a section which is not there", func(t *testing.T) {
		t.Parallel()
		got := documents.checkReferences("runs.md", "See §2.1, §2.8, and [api.md](api.md) §3 and §4.")
		if want := []string{"docs/protocol/runs.md has no §2.8", "docs/protocol/api.md has no §4"}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("problems: %q, want %q", got, want)
		}
	})
}

func TestCommentsAreFound(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"a.go", "package a\n\nvar b = \"// no.md\" // one,\n\t// two\n\n/* three\nfour */\n", "3: one, two|6: three four"},
		{"a.sql", "-- one\n-- two\n\nSELECT 1; -- three\n", "1: one two|4: three"},
		{"a.js", "const a = \"https://no.md\"; // one\n/* two\n * three */\nb();\n", "1: one two three"},
		{"a.sh", "# one\necho $# '#no' # two\n", "1: one two"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var found []string
			for _, c := range comments(test.name, []byte(test.text)) {
				found = append(found, fmt.Sprintf("%d: %s", c.line, c.text))
			}
			if got := strings.Join(found, "|"); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

// tracked lists the files of the repository whose names match a pattern.
func tracked(t *testing.T, patterns ...string) (names []string) {
	t.Helper()
	arguments := append([]string{"-c", "safe.directory=*", "-C", repository, "ls-files", "-z", "--"}, patterns...)
	listed, err := exec.Command("git", arguments...).Output()
	if err != nil {
		t.Fatalf("list the files: %v", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(listed), "\x00"), "\x00") {
		if _, err := os.Stat(filepath.Join(repository, name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// documents are what comments may cite.
type documents struct {
	root string
	// sections are those of the documents in docs/protocol, by their file names: the
	// numbers of headings, of the items of lists and rows of tables below them, and
	// labels such as T7.
	sections map[string]map[string]bool
}

var (
	citation = regexp.MustCompile(`docs/protocol/[\w-]+\.md( §[\w.]*\w(?:(?:, | and | to )§[\w.]*\w)*)?`)
	section  = regexp.MustCompile(`§([\w.]*\w)`)
	document = regexp.MustCompile(`[\w./-]*\w\.md\b`)
	webPage  = regexp.MustCompile(`https?://\S+`)
	// reference is what a document names: sections of another one whose name comes
	// before them, perhaps as a link, or else of its own.
	reference = regexp.MustCompile(`(?:([\w-]+\.md)\)? )?§[\w.]*\w(?:(?:, | and | to )§[\w.]*\w)*`)

	heading = regexp.MustCompile(`^#{2,4} (\d+(?:\.\d+)*)\.? `)
	item    = regexp.MustCompile(`^(?:(\d+)\. |\| (\d+) \|)`)
	label   = regexp.MustCompile(`^\| ([A-Z]\d+) \|`)
)

func readDocuments(root string) (*documents, error) {
	d := &documents{root: root, sections: map[string]map[string]bool{}}
	names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(protocolFolder), "*.md"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d.sections[filepath.Base(name)] = sectionsOf(string(text))
	}
	return d, nil
}

func sectionsOf(text string) map[string]bool {
	found := map[string]bool{}
	current, inBlock := "", false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			inBlock = !inBlock
		}
		if inBlock {
			continue
		}
		if m := heading.FindStringSubmatch(line); m != nil {
			current = m[1]
			found[current] = true
		} else if m := item.FindStringSubmatch(line); m != nil {
			found[current+"."+m[1]+m[2]] = true
		} else if m := label.FindStringSubmatch(line); m != nil {
			found[m[1]] = true
		}
	}
	return found
}

// check says what is wrong with the citations of a comment in a file of the folder.
func (d *documents) check(folder, comment string) (problems []string) {
	comment = webPage.ReplaceAllString(comment, "")
	for _, found := range citation.FindAllString(comment, -1) {
		name, _, _ := strings.Cut(strings.TrimPrefix(found, protocolFolder), " ")
		if d.sections[name] == nil {
			problems = append(problems, fmt.Sprintf("%s%s is not in the repository", protocolFolder, name))
			continue
		}
		for _, cited := range section.FindAllStringSubmatch(found, -1) {
			problems = append(problems, d.checkSection(name, cited[1])...)
		}
	}
	comment = citation.ReplaceAllString(comment, "")
	for _, name := range document.FindAllString(comment, -1) {
		if !d.exists(name) && !d.exists(path.Join(folder, name)) {
			problems = append(problems, name+" is not in the repository")
		}
	}
	for _, cited := range section.FindAllString(comment, -1) {
		problems = append(problems, cited+" follows no document of docs/protocol")
	}
	return problems
}

// checkReferences says which sections the text of a document names and that do not exist.
func (d *documents) checkReferences(name, text string) (problems []string) {
	for _, found := range reference.FindAllStringSubmatch(text, -1) {
		of := name
		if found[1] != "" {
			of = found[1]
		}
		for _, named := range section.FindAllStringSubmatch(found[0], -1) {
			problems = append(problems, d.checkSection(of, named[1])...)
		}
	}
	return problems
}

func (d *documents) checkSection(name, number string) []string {
	if d.sections[name][number] {
		return nil
	}
	return []string{fmt.Sprintf("%s%s has no §%s", protocolFolder, name, number)}
}

func (d *documents) exists(name string) bool {
	_, err := os.Stat(filepath.Join(d.root, filepath.FromSlash(name)))
	return err == nil
}

// comment is a comment, or several on lines that follow each other, as one line.
type comment struct {
	line int
	text string
}

// comments returns the comments of a file. Only those of Go are found exactly: in
// others, what looks like one in a text is taken for one.
func comments(name string, text []byte) []comment {
	switch path.Ext(name) {
	case ".go":
		return goComments(text)
	case ".sql":
		return lineComments(text, "--")
	case ".sh":
		return lineComments(text, "#")
	}
	return lineComments(text, "//")
}

func goComments(text []byte) (all []comment) {
	files := token.NewFileSet()
	file := files.AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, scanner.ScanComments)
	last := 0
	for {
		position, kind, literal := s.Scan()
		switch kind {
		case token.EOF:
			return all
		case token.COMMENT:
			line := file.Line(position)
			all = add(all, line, line-last <= 1, literal)
			last = line + strings.Count(literal, "\n")
		}
	}
}

func lineComments(text []byte, mark string) (all []comment) {
	starts := regexp.MustCompile(`(?:^|\s)` + mark + `(?:\s|$)`)
	number, last, inBlock := 0, 0, false
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		number++
		line := lines.Text()
		found := inBlock
		if at := starts.FindStringIndex(line); !inBlock && at != nil {
			line, found = line[at[0]:], true
		} else if at := strings.Index(line, "/*"); !inBlock && mark == "//" && at >= 0 {
			line, found, inBlock = line[at:], true, true
		}
		if inBlock && strings.Contains(line, "*/") {
			inBlock = false
		}
		if found {
			all = add(all, number, last > 0 && number-last <= 1, line)
			last = number
		}
	}
	return all
}

// add adds a comment, to the last one if it continues that.
func add(all []comment, line int, continues bool, text string) []comment {
	var words []string
	for part := range strings.Lines(text) {
		part = strings.Trim(strings.TrimSpace(part), "/*#-")
		words = append(words, strings.Fields(part)...)
	}
	joined := strings.Join(words, " ")
	if continues && len(all) > 0 {
		previous := &all[len(all)-1]
		previous.text = strings.TrimSpace(previous.text + " " + joined)
		return all
	}
	return append(all, comment{line, joined})
}
