package demo

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 20)
	tests := []struct {
		name  string
		text  string
		words int
		most  frequentWord
	}{
		{"an empty text has no words", "", 0, frequentWord{}},
		{"punctuation alone is no word", " -- ' … «»\n\n", 0, frequentWord{}},
		{"one letter is a word", "x", 1, frequentWord{"x", 1}},
		{"white space of any kind divides words", "one\ttwo\r\nthree\u00a0four", 4, frequentWord{"four", 1}},
		{"the case of letters does not matter", "The the THE end", 4, frequentWord{"the", 3}},
		{"letters beyond ASCII are letters", "Öl öl ölig, était ÉTAIT était", 6, frequentWord{"était", 3}},
		{"marks belong to their letters", "e\u0301t e\u0301t", 2, frequentWord{"e\u0301t", 2}},
		{"digits make words", "in 1969, 1969 and 1970", 5, frequentWord{"1969", 2}},
		{"an apostrophe inside is part of the word", "don't don't 'don't'", 3, frequentWord{"don't", 3}},
		{"a hyphen inside is part of the word", "night-time - night", 2, frequentWord{"night", 1}},
		{"two hyphens divide words", "here--there", 2, frequentWord{"here", 1}},
		{"a dash divides words", "here—there", 2, frequentWord{"here", 1}},
		{"of equally frequent words the first is taken", "b a b a c", 5, frequentWord{"a", 2}},
		{"a mark of the byte order is no word", "\ufeffword", 1, frequentWord{"word", 1}},
		{"a long word is shortened", long, 1, frequentWord{long[:longestWord] + "…", 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if words, err := countWords(strings.NewReader(test.text)); err != nil || words != test.words {
				t.Errorf("counted %d words (%v), want %d", words, err, test.words)
			}
			if most, err := mostFrequent(strings.NewReader(test.text)); err != nil || most != test.most {
				t.Errorf("the most frequent is %v (%v), want %v", most, err, test.most)
			}
		})
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		text  string
		wrong string
	}{
		{"an empty file is text", "", ""},
		{"plain text is text", "hello\n", ""},
		{"UTF-8 is text", "größer 日本 🙂", ""},
		{"the replacement character itself is text", "\ufffd", ""},
		{"Latin-1 is not", "gr\xf6\xdfer", "byte 3 is no part of a character"},
		{"a character cut short is not", "abc\xe6\x97", "byte 4 is no part of a character"},
		{"a surrogate is not", "a\xed\xa0\x80", "byte 2 is no part of a character"},
		{"a zero byte is not", "ab\x00", "byte 3 is zero"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			size, err := checkText(strings.NewReader(test.text))
			switch {
			case test.wrong == "" && (err != nil || size != int64(len(test.text))):
				t.Errorf("got %d bytes and %v, want %d bytes", size, err, len(test.text))
			case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
				t.Errorf("got %v, want %q", err, test.wrong)
			}
		})
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	paths, err := unpackTexts(filepath.Join(t.TempDir(), "texts"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := open(ctx, paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	cancel()
	if _, err := countWords(text); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestTheShippedTextsAreShortProse(t *testing.T) {
	t.Parallel()
	paths, err := unpackTexts(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 3 {
		t.Errorf("there are %d texts, want some more", len(paths))
	}
	for _, path := range paths {
		text, err := open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer text.Close()
		if words, err := countWords(text); err != nil || words < 100 || words > 400 {
			t.Errorf("%s has %d words (%v), want 100 to 400", filepath.Base(path), words, err)
		}
	}
}
