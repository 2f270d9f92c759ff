package server

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
	"github.com/runhook/runhook/server/internal/worker"
)

// AdviceError is an error for the person who runs the program: what is wrong, and what
// to do about it.
type AdviceError struct {
	What, Advice string
	// Err is the cause; it may be nil.
	Err error
}

// Error returns both, each on a line.
func (e *AdviceError) Error() string { return e.What + ".\n" + e.Advice }

// Unwrap returns the cause.
func (e *AdviceError) Unwrap() error { return e.Err }

// Explain returns an error of opening, reading or writing a database in plain words,
// as an [*AdviceError], if it is one that people can do something about; any other as
// it is. No password of the database's URL is in it.
func Explain(err error, address string) error {
	var advised *AdviceError
	var field *FieldError
	if err == nil || errors.As(err, &advised) || errors.As(err, &field) {
		return err
	}
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return explainFile(err, absolute(path))
	}
	return explainServer(err, address)
}

// explainFile explains an error of a SQLite file.
func explainFile(err error, path string) error {
	var moved *store.MovedError
	var damage *database.DamageError
	switch {
	case errors.As(err, &damage):
		return &AdviceError{fmt.Sprintf("%s is damaged: %s", path, damage.Found), damage.Recovery, err}
	case errors.As(err, &moved) && moved.Complete:
		return &AdviceError{fmt.Sprintf("%s was moved to %s by runhook migrate-db", path, moved.To),
			"Use that one: --db (RUNHOOK_DB). To go back to this file as it was then, without what was done since: runhook restore --moved --from " + path + " --db sqlite:NEW", err}
	case errors.As(err, &moved):
		return &AdviceError{fmt.Sprintf("%s is being moved to %s, or that was interrupted", path, moved.To),
			"Run migrate-db again: it says if that database is not empty, and so has everything already. To go back to this file: runhook restore --moved --from " + path + " --db sqlite:NEW", err}
	case errors.Is(err, database.ErrNoDatabase):
		return &AdviceError{fmt.Sprintf("there is no database of Runhook at %s", path),
			"Run this in the folder that the server was started in, or say where its database is with --db (RUNHOOK_DB). A new database is made by: runhook serve", err}
	case errors.Is(err, database.ErrDamaged):
		return &AdviceError{fmt.Sprintf("%s is damaged, or is no database of Runhook (%v)", path, cause(err)),
			"Keep the file as it is, and go back to a backup: runhook restore --from BACKUP --db sqlite:NEW", err}
	case errors.Is(err, syscall.EDQUOT):
		return &AdviceError{fmt.Sprintf("the disk quota for %s is used up", path), "Make room, or have the quota raised, then run this again; nothing was changed.", err}
	case errors.Is(err, syscall.EFBIG):
		return &AdviceError{fmt.Sprintf("%s may not grow: this program is at its limit of the size of files", path),
			"Raise the limit (ulimit -f, or LimitFSIZE of systemd), then run this again; nothing was changed.", err}
	case isFull(err):
		return &AdviceError{fmt.Sprintf("the disk of %s is full", path), "Make room, then run this again; nothing was changed.", err}
	case isDenied(err):
		return &AdviceError{fmt.Sprintf("%s cannot be opened, read or written as needed (%v)", path, cause(err)),
			"Run this as the user that owns the file, and make the file and its folder writable for that user; the path must not name a folder.", err}
	}
	return err
}

// explainCopy explains an error of copying a SQLite file to a path.
func explainCopy(err error, from, to string) error {
	switch {
	case isFull(err):
		return explainFile(err, absolute(to))
	case isDenied(err) && strings.Contains(err.Error(), to):
		return &AdviceError{fmt.Sprintf("%s cannot be written (%v)", absolute(to), cause(err)), "Make its folder writable, or give another.", err}
	}
	return Explain(err, from)
}

func isFull(err error) bool {
	return errors.Is(err, database.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func isDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, database.ErrDenied)
}

// explainServer explains an error of a PostgreSQL database.
func explainServer(err error, address string) error {
	where := ShownAddress(address)
	var skew *worker.SkewError
	switch {
	case errors.As(err, &skew):
		return &AdviceError{fmt.Sprintf("the clock of this server shows %s, and that of the database %s shows %s: they differ by %v",
			shownTime(skew.Server), where, shownTime(skew.Database), skew.Ahead.Abs().Round(time.Millisecond)),
			fmt.Sprintf("Have the clocks of both machines synchronised (NTP), then start this server again; they may differ by %v.", store.MaximumClockSkew), err}
	case errors.Is(err, database.ErrAuthentication):
		return &AdviceError{fmt.Sprintf("PostgreSQL refuses the user or the password of %s (%v)", where, cause(err)),
			"Check them in --db (RUNHOOK_DB). " + escapes, err}
	case errors.Is(err, database.ErrNoDatabase) && strings.Contains(err.Error(), "3D000"):
		return &AdviceError{fmt.Sprintf("PostgreSQL has no database of the name in %s", where),
			"Make it: CREATE DATABASE name ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0", err}
	case errors.Is(err, database.ErrNoDatabase):
		return &AdviceError{fmt.Sprintf("no Runhook server has used the database %s yet", where),
			"Name the database of the server with --db (RUNHOOK_DB), or have this one set up by: runhook serve", err}
	case errors.Is(err, database.ErrDenied):
		return &AdviceError{fmt.Sprintf("the user of %s lacks a right (%v)", where, cause(err)),
			"Let it make and use tables, as the database's owner: GRANT CREATE, USAGE ON SCHEMA public TO user; and it must own tables that are there already.", err}
	case errors.Is(err, database.ErrFull):
		return &AdviceError{fmt.Sprintf("the disk of PostgreSQL is full (%s)", where), "Make room there, then run this again; nothing was changed.", err}
	case errors.Is(err, database.ErrUnavailable):
		return &AdviceError{fmt.Sprintf("PostgreSQL does not answer at %s (%v)", where, cause(err)),
			"Start it, or correct its address in --db (RUNHOOK_DB).", err}
	case strings.Contains(err.Error(), "PostgreSQL URL"):
		return &AdviceError{"the database's URL cannot be read as one of PostgreSQL",
			"Write postgres://user:password@host:5432/database. " + escapes, err}
	}
	return err
}

// shownTime is a time for people who compare two.
func shownTime(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z07:00") }

// escapes says how to write a password.
const escapes = "In a password, write % as %25, # as %23, / as %2F, ? as %3F, @ as %40 and a space as %20."

// explainAddress explains why a server cannot listen.
func explainAddress(err error, address string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		err = &AdviceError{fmt.Sprintf("another program has %s, perhaps another runhook serve", address),
			"Stop it, or choose another port with --addr HOST:PORT. No database was made.", err}
	}
	return &FieldError{"Address", err}
}

// ShownAddress is the URL of a database for people, without its password.
func ShownAddress(address string) string { return store.ShownURL(address) }

// cause is the last of what an error says, in one line.
func cause(err error) string {
	var network *net.OpError
	if errors.As(err, &network) {
		return network.Error()
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		return file.Error()
	}
	for {
		switch wrapped := err.(type) {
		case interface{ Unwrap() error }:
			if wrapped.Unwrap() == nil {
				return firstLine(err.Error())
			}
			err = wrapped.Unwrap()
		case interface{ Unwrap() []error }:
			all := wrapped.Unwrap()
			err = all[len(all)-1]
		default:
			return firstLine(err.Error())
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// absolute is where a path leads, for people.
func absolute(path string) string {
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return cmp.Or(full, path)
}
