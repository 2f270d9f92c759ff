package sqlite

import (
	"bufio"
	encoding "encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/runhook/runhook/server/internal/store/database"
)

// The form of a write-ahead log: https://www.sqlite.org/fileformat2.html, 4.
const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	walMagic        = 0x377f0682 // its last bit says that checksums are big-endian
	usualPage       = 4096
	none            = -1 // the number of no frame
)

// checkLogUnlessInUse is checkLog for a database that another process may have open,
// which has checked the log itself before it opened it.
func checkLogUnlessInUse(path string) error {
	if _, err := os.Stat(path + "-wal"); err != nil {
		return nil // nothing to check, and nothing is made beside the file
	}
	lock, err := lockFile(path)
	if errors.Is(err, database.ErrInUse) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(checkLog(path), lock.release())
}

// checkLog fails with [database.ErrDamaged] if the write-ahead log of the database at
// path is damaged in the middle: SQLite would silently leave out the damaged frame and
// all that follow it, transactions that were answered as durable. A frame at the end
// that is not whole is no damage: a crash leaves it, of a transaction that was never
// answered. No connection of this process may be open, and no other process may write.
func checkLog(path string) error {
	file, err := os.Open(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check the write-ahead log: %w", err)
	}
	defer file.Close()
	bad, lost, err := scanLog(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return fmt.Errorf("check the write-ahead log %s: %w", file.Name(), err)
	}
	if lost == 0 {
		return nil
	}
	return &database.DamageError{
		Found: fmt.Sprintf("frame %d of the write-ahead log %s does not verify, and %d valid ones follow it: to open it would lose what they hold",
			bad, file.Name(), lost),
		Recovery: "First copy the file and its -wal file elsewhere. Then restore a backup: runhook restore --from BACKUP --db sqlite:NEW. " +
			"Without one, continue with what precedes the damage and lose what follows: sqlite3 " + path + " 'PRAGMA wal_checkpoint(TRUNCATE)'. See docs/operating.md",
	}
}

// scanLog returns the number of the first frame that does not verify, from 1 (0 for
// the header), and how many frames of the same log after it do. A frame is verified
// from the checksum that the one before it has, so that those after a damaged one can
// be.
func scanLog(log io.Reader) (bad, lost int, err error) {
	header := make([]byte, walHeaderSize)
	if whole, err := readWhole(log, header); !whole {
		return 0, 0, err
	}
	magic, size := encoding.BigEndian.Uint32(header), int(encoding.BigEndian.Uint32(header[8:]))
	order := encoding.ByteOrder(encoding.LittleEndian)
	if magic == walMagic|1 {
		order = encoding.BigEndian
	}
	salts, before := encoding.BigEndian.Uint64(header[16:]), checksumAt(header[24:])
	bad = none
	if magic&^1 != walMagic || (checksum{}).add(order, header[:24]) != before {
		// Without a header SQLite leaves out everything. It says nothing of the frames
		// then, so that they are taken to be as this program writes them.
		bad, size = 0, usualPage
	}
	buffer := make([]byte, frameHeaderSize+size)
	for number := 1; ; number++ {
		whole, err := readWhole(log, buffer)
		if !whole {
			return max(bad, 0), lost, err
		}
		if number == 1 && bad == 0 {
			salts = encoding.BigEndian.Uint64(buffer[8:])
		}
		sum := checksumAt(buffer[16:])
		// Behind its end a log has frames of the time before it was begun anew, which
		// have other salts.
		valid := encoding.BigEndian.Uint64(buffer[8:]) == salts && before.add(order, buffer[:8]).add(order, buffer[frameHeaderSize:]) == sum
		switch {
		case valid && bad != none:
			lost++
		case !valid && bad == none:
			bad = number
		}
		before = sum
	}
}

// readWhole fills the buffer, and reports whether there was that much left.
func readWhole(from io.Reader, buffer []byte) (whole bool, err error) {
	_, err = io.ReadFull(from, buffer)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return err == nil, err
}

// checksum is the one of write-ahead logs.
type checksum struct{ a, b uint32 }

func checksumAt(b []byte) checksum {
	return checksum{encoding.BigEndian.Uint32(b), encoding.BigEndian.Uint32(b[4:])}
}

// add returns the checksum of what came before and data, of a multiple of 8 bytes.
func (s checksum) add(order encoding.ByteOrder, data []byte) checksum {
	for ; len(data) >= 8; data = data[8:] {
		s.a += order.Uint32(data) + s.b
		s.b += order.Uint32(data[4:]) + s.a
	}
	return s
}
