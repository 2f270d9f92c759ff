package demo

import (
	"bytes"
	"strings"
	"testing"
)

func TestShortName(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, path, want string }{
		{"a short path stays as it is", "notes/a b.txt", "notes/a b.txt"},
		{"of a long path the end is kept", "/home/someone/documents/letters/may.txt", "…nts/letters/may.txt"},
		{"wide characters count double", "日本語日本語日本語日本語.txt", "…語日本語日本語.txt"},
		{"what a terminal acts on is replaced", "\x1b[31mred\r\n.txt", "�[31mred��.txt"},
		{"what is not UTF-8 is replaced", "bad\xff.txt", "bad�.txt"},
		{"an empty path is shown", "", `""`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := shortName(test.path); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := widthOf(shortName(test.path)); got > longestName {
				t.Errorf("it is %d columns wide", got)
			}
		})
	}
}

func TestLinesAreNoLongerThanTheScreen(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("word ", 50), strings.Repeat("long", 50), strings.Repeat("日本", 60)} {
		var out bytes.Buffer
		s := &screen{out: &out, nameWidth: longestName}
		s.event(plain, text, text, shortName(text), text)
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); widthOf(line) > columns {
				t.Errorf("%q is %d columns wide", line, widthOf(line))
			}
		}
	}
}

func TestParagraphsAreDividedBetweenWords(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out}
	s.paragraph(plain, "  ", strings.Repeat("word ", 50))
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSuffix(line, "\n"); widthOf(line) > columns || !strings.HasPrefix(line, "  word") || !strings.HasSuffix(line, "word") {
			t.Errorf("%q is not divided as it should be", line)
		}
	}
	if got := strings.Count(out.String(), "word"); got != 50 {
		t.Errorf("%d words are left of 50", got)
	}
}

func TestOnlyATerminalIsSentSequences(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out}
	s.showStatus("in progress")
	s.event(bad, "who", "what", "which", "detail")
	if strings.ContainsAny(out.String(), "\x1b\r") || strings.Contains(out.String(), "in progress") {
		t.Errorf("a file was sent %q", out.String())
	}

	out.Reset()
	s = &screen{out: &out, terminal: true, colour: true}
	s.showStatus("in progress")
	s.event(bad, "who", "what", "which", "detail")
	s.showStatus("")
	if !strings.Contains(out.String(), "\x1b[31m") || !strings.HasSuffix(out.String(), "in progress\x1b[0m\r\x1b[K") {
		t.Errorf("a terminal was sent %q", out.String())
	}
}
