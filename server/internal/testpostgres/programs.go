package testpostgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// oldestVersion is the oldest major version of PostgreSQL that the server supports.
const oldestVersion = 15

// programs are the paths of the PostgreSQL programs that run a server.
type programs struct {
	initdb string
	pgctl  string
}

// Find returns the folder of the PostgreSQL programs that [Open] uses, or an
// error that says what to do when there are none.
func Find() (string, error) {
	found, err := findPrograms(programFolders())
	return filepath.Dir(found.pgctl), err
}

// programFolders lists where the programs may be: on the PATH, or where the
// packages of Debian and of Red Hat put them.
func programFolders() []string {
	folders := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		matches, err := filepath.Glob(pattern)
		if err == nil {
			folders = append(folders, matches...)
		}
	}
	return folders
}

// findPrograms takes the first folder whose programs are recent enough.
func findPrograms(folders []string) (programs, error) {
	tooOld := ""
	for _, folder := range folders {
		found := programs{initdb: filepath.Join(folder, "initdb"), pgctl: filepath.Join(folder, "pg_ctl")}
		if !filepath.IsAbs(folder) || !isProgram(found.initdb) || !isProgram(found.pgctl) {
			continue
		}
		version, err := majorVersion(found.pgctl)
		if err != nil {
			return programs{}, err
		}
		if version >= oldestVersion {
			return found, nil
		}
		tooOld = fmt.Sprintf(" (version %d in %s is too old)", version, folder)
	}
	return programs{}, fmt.Errorf("PostgreSQL %d or later is not installed%s: run `make test`, which installs it, "+
		"or set %s to the URL of a server where databases may be created", oldestVersion, tooOld, Variable)
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func majorVersion(pgctl string) (int, error) {
	output, err := exec.Command(pgctl, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("asking %s for its version: %w", pgctl, err)
	}
	match := versionPattern.FindSubmatch(output)
	if match == nil {
		return 0, fmt.Errorf("asking %s for its version: cannot read %q", pgctl, output)
	}
	return strconv.Atoi(string(match[1]))
}

// run runs one of the programs on the server's folder and waits for it.
func (s *Server) run(ctx context.Context, program string, arguments ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*patience, errors.New("it hung"))
	defer cancel()
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = s.folder
	command.Env = cleanEnvironment()
	// A session of its own keeps a Ctrl-C in the terminal away from the server.
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.account.credential()}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s as %s: %w\n%s", command, s.account, err, output)
	}
	return nil
}

// cleanEnvironment is this process's environment without the variables that
// would lead the PostgreSQL programs to another server or another language.
func cleanEnvironment() []string {
	environment := []string{"LC_ALL=C"}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "PG") && !strings.HasPrefix(variable, "LC_") {
			environment = append(environment, variable)
		}
	}
	return environment
}
