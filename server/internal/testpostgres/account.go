package testpostgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user to run PostgreSQL as, since PostgreSQL refuses to run as
// root. Nil stands for the user of this process.
type account struct {
	name  string
	user  uint32
	group uint32
}

// unprivileged returns the account to use: nil unless this process is root's.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		userID, userErr := strconv.ParseUint(found.Uid, 10, 32)
		groupID, groupErr := strconv.ParseUint(found.Gid, 10, 32)
		if err := errors.Join(userErr, groupErr); err != nil {
			return nil, fmt.Errorf("reading the ids of user %s: %w", name, err)
		}
		return &account{name: name, user: uint32(userID), group: uint32(groupID)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody: " +
		"run the tests as another user, or set " + Variable)
}

// own makes the account the owner of the folder.
func (a *account) own(folder string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(folder, int(a.user), int(a.group)); err != nil {
		return fmt.Errorf("giving the folder of a PostgreSQL server to %s: %w", a, err)
	}
	return nil
}

func (a *account) credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.user, Gid: a.group}
}

func (a *account) String() string {
	if a == nil {
		return "the current user"
	}
	return "user " + a.name
}
