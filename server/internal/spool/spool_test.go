package spool_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/runhook/runhook/server/internal/spool"
)

func open(t *testing.T) (*spool.File, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "new", "folder")
	file, err := spool.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, folder
}

// pattern returns bytes of which each stream has its own.
func pattern(seed, size int) []byte {
	text := make([]byte, size)
	for i := range text {
		text[i] = byte(i*7 + seed*13 + i/251)
	}
	return text
}

func write(t *testing.T, s *spool.Stream, text []byte, piece int) {
	t.Helper()
	for len(text) > 0 {
		n, err := s.Write(text[:min(piece, len(text))])
		if err != nil {
			t.Error(err)
			return
		}
		text = text[n:]
	}
}

func TestStreamsSideBySideKeepTheirOwnBytes(t *testing.T) {
	t.Parallel()
	file, _ := open(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for round := range 3 {
				s := file.Stream()
				want := pattern(i, []int{0, 1, spool.BlockSize, 3*spool.BlockSize + i}[(i+round)%4])
				write(t, s, want, 10_000+i)
				got := make([]byte, s.Size())
				if err := s.ReadInto(got); err != nil || !bytes.Equal(got, want) {
					t.Errorf("stream %d of %d bytes: %v", i, len(want), err)
				}
				s.Close()
			}
		})
	}
	all.Wait()
}

func TestWhatAStreamTookIsUsedAgainAndGivenBack(t *testing.T) {
	t.Parallel()
	file, _ := open(t)
	first := file.Stream()
	write(t, first, make([]byte, 20<<20), 1<<20)
	second := file.Stream()
	first.Close()
	first.Close()
	before := file.Size()
	write(t, second, make([]byte, 10<<20), 1<<20)
	if file.Size() != before {
		t.Errorf("the file has grown from %d to %d", before, file.Size())
	}
	second.Close()
	if file.Size() != 0 {
		t.Errorf("%d bytes are kept of nothing", file.Size())
	}
}

func TestNothingIsLeftInTheFolder(t *testing.T) {
	t.Parallel()
	file, folder := open(t)
	s := file.Stream()
	write(t, s, pattern(1, 100_000), 1000)
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("the folder has %v, %v", left, err)
	}
	if _, err := s.Write(make([]byte, 2*spool.BlockSize)); err == nil {
		t.Error("a stream of a closed file takes more")
	}
	s.Close()
	if _, err := s.Write([]byte("x")); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("a closed stream fails with %v", err)
	}
}

func TestAFolderThatCannotBeMadeIsSaid(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Open(filepath.Join(file, "below")); err == nil {
		t.Error("a folder below a file was made")
	}
}
