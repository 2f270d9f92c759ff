package demo

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// open opens a file for reading. What can be read without an end, such as a
// pipe or a device, is refused. Reads fail once ctx has ended.
func open(ctx context.Context, path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file")
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, errors.New("this is a folder, not a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("this is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	return &interruptible{ctx, file}, nil
}

// withoutPath drops the path from an error that is shown beside it.
func withoutPath(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("%s: %w", pathError.Op, pathError.Err)
	}
	return err
}

type interruptible struct {
	ctx context.Context
	io.ReadCloser
}

func (r *interruptible) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = withoutPath(err)
	}
	return n, err
}

// checkText returns the size of a text in bytes, or an error that says where it
// is not UTF-8 text.
func checkText(text io.Reader) (int64, error) {
	reader := bufio.NewReaderSize(text, 1<<16)
	var size int64
	for {
		r, n, err := reader.ReadRune()
		switch {
		case err == io.EOF:
			return size, nil
		case err != nil:
			return size, err
		case r == utf8.RuneError && n == 1:
			return size, fmt.Errorf("this is not UTF-8 text: byte %d is no part of a character", size+1)
		case r == 0:
			return size, fmt.Errorf("this is not text: byte %d is zero", size+1)
		}
		size += int64(n)
	}
}

// hash returns the SHA-256 of a text in hexadecimal.
func hash(text io.Reader) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, text); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// eachWord calls yield with every word of a text, in lower case. A word is a
// stretch of letters and digits; an apostrophe or a hyphen inside is part of it.
func eachWord(text io.Reader, yield func(word string)) error {
	reader := bufio.NewReaderSize(text, 1<<16)
	var word strings.Builder
	var joint rune // an apostrophe or hyphen that may prove to be inside
	end := func() {
		if word.Len() > 0 {
			yield(word.String())
		}
		word.Reset()
		joint = 0
	}
	for {
		r, _, err := reader.ReadRune()
		if err != nil {
			end()
			if err == io.EOF {
				return nil
			}
			return err
		}
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			if joint != 0 {
				word.WriteRune(joint)
				joint = 0
			}
			word.WriteRune(unicode.ToLower(r))
		case (r == '\'' || r == '’' || r == '-') && word.Len() > 0 && joint == 0:
			joint = r
		default:
			end()
		}
	}
}

// countWords returns the number of words in a text.
func countWords(text io.Reader) (int, error) {
	count := 0
	err := eachWord(text, func(string) { count++ })
	return count, err
}

// frequentWord is a word and how often it is in a text.
type frequentWord struct {
	Word  string `json:"word"`
	Times int    `json:"times"`
}

// longestWord is how many characters of a word are reported.
const longestWord = 40

// mostFrequent returns the most frequent word of a text, of several the first in
// the order of their bytes. A text without words has the zero frequentWord.
func mostFrequent(text io.Reader) (frequentWord, error) {
	times := map[string]int{}
	if err := eachWord(text, func(word string) { times[word]++ }); err != nil {
		return frequentWord{}, err
	}
	var most frequentWord
	for word, n := range times {
		if n > most.Times || n == most.Times && word < most.Word {
			most = frequentWord{word, n}
		}
	}
	if letters := []rune(most.Word); len(letters) > longestWord {
		most.Word = string(letters[:longestWord]) + "…"
	}
	return most, nil
}
