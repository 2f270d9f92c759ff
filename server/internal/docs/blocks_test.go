package docs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// block is a fenced code block of a document.
type block struct {
	line int
	// language and kind are the first two words of its info string. The kind of a
	// block without a second word is "run".
	language, kind string
	// options are the words of the form name=value.
	options map[string]string
	text    string
}

// The kinds of blocks.
const (
	// run is executed if it is shell, and checked in the way of its language
	// otherwise.
	run = "run"
	// fragment is part of a program: it is compiled with what the table declares.
	fragment = "fragment"
	// output is what the block before it prints; "..." stands for anything.
	output = "output"
	// illustration cannot be run.
	illustration = "illustration"
)

// The options of blocks.
const (
	// terminalOption names the shell that runs it; the first one has no name.
	terminalOption = "terminal"
	// portOption says that the block keeps running, and which port it serves.
	portOption = "port"
	// fileOption names the file that a reader saves the block as.
	fileOption = "file"
)

// accepts says which kinds and options a block of a language may have.
var accepts = map[string]struct{ kinds, options []string }{
	"sh":     {[]string{run, illustration}, []string{terminalOption, portOption}},
	"text":   {[]string{output, illustration}, []string{terminalOption}},
	"go":     {[]string{run, fragment}, []string{fileOption, terminalOption}},
	"js":     {[]string{run}, []string{fileOption, terminalOption}},
	"python": {[]string{run}, []string{fileOption, terminalOption}},
	"json":   {[]string{run, output}, []string{terminalOption}},
	"sql":    {[]string{run}, nil},
}

// check says what is wrong with how a block is marked.
func (b block) check() error {
	allowed, known := accepts[b.language]
	switch {
	case !known:
		return fmt.Errorf("unknown language %q", b.language)
	case !slices.Contains(allowed.kinds, b.kind):
		return fmt.Errorf("a block of %s is %s, not %q", b.language, strings.Join(allowed.kinds, " or "), b.kind)
	case slices.Contains([]string{"js", "python"}, b.language) && b.options[fileOption] == "",
		b.language == "go" && b.kind == run && b.options[fileOption] == "":
		return fmt.Errorf("a block of %s is saved as a file: give it file=NAME", b.language)
	}
	for name := range b.options {
		if !slices.Contains(allowed.options, name) {
			return fmt.Errorf("a block of %s has no option %q", b.language, name)
		}
	}
	return nil
}

// blocksOf returns the code blocks of a Markdown text.
func blocksOf(text string) (all []block, err error) {
	var open *block
	blank := true
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case open != nil && trimmed == "```":
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(trimmed, "```"):
			open = newBlock(number, trimmed)
		case blank && strings.HasPrefix(line, "    ") && trimmed != "":
			return nil, fmt.Errorf("line %d: code that is indented; put it between fences (```)", number)
		}
		blank = trimmed == ""
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block has no end", open.line)
	}
	for _, b := range all {
		if err := b.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w (see CONTRIBUTING.md, \"Code in documents\")", b.line, err)
		}
	}
	return all, nil
}

func newBlock(line int, fence string) *block {
	b := &block{line: line, kind: run, options: map[string]string{}}
	for i, word := range strings.Fields(strings.TrimPrefix(fence, "```")) {
		name, value, isOption := strings.Cut(word, "=")
		switch {
		case i == 0:
			b.language = word
		case isOption:
			b.options[name] = value
		default:
			b.kind = word
		}
	}
	return b
}

func readBlocks(t *testing.T, path string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := blocksOf(string(text))
	if err != nil {
		t.Fatalf("%s, %v", path, err)
	}
	return blocks
}

func TestABlockOfAnUnknownKindIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"```\nx\n```\n":            `line 1: unknown language ""`,
		"\n```ruby\nx\n```\n":      `line 2: unknown language "ruby"`,
		"```sh maybe\nx\n```\n":    `a block of sh is run or illustration, not "maybe"`,
		"```text\nx\n```\n":        `a block of text is output or illustration, not "run"`,
		"```sh file=a\nx\n```\n":   `a block of sh has no option "file"`,
		"```js\nx\n```\n":          "give it file=NAME",
		"```go\nx\n```\n":          "give it file=NAME",
		"```sh\nx\n":               "the block has no end",
		"text\n\n    go run ./x\n": "line 3: code that is indented",
		"```sh\nx\n```\n- a\n  ```sql bad\n  x\n  ```\n": `a block of sql is run, not "bad"`,
	} {
		if _, err := blocksOf(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestBlocksAreFoundWithTheirMarks(t *testing.T) {
	t.Parallel()
	blocks, err := blocksOf("# a\n```sh terminal=app port=80\na\n\n    b\n```\n\ntext\n```text output\nc\n```\n- list\n    more\n")
	if err != nil || len(blocks) != 2 {
		t.Fatalf("found %+v, %v", blocks, err)
	}
	first, second := blocks[0], blocks[1]
	if first.line != 2 || first.kind != run || first.options["terminal"] != "app" || first.options["port"] != "80" || first.text != "a\n\n    b\n" {
		t.Errorf("the first is %+v", first)
	}
	if second.language != "text" || second.kind != output || second.text != "c\n" {
		t.Errorf("the second is %+v", second)
	}
}
