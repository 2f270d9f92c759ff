package limits

import (
	"bufio"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Memory returns how many bytes of memory this process may use, by the limit of its
// control group (cgroup v2 or v1) or of one above it, whichever is least; 0 for no
// limit, or where there are no control groups.
func Memory() int64 { return memory(os.DirFS("/")) }

// HostMemory returns how many bytes of memory the machine has; 0 if that is unknown.
func HostMemory() int64 { return hostMemory(os.DirFS("/")) }

func memory(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(groups)) {
		// Such as 0::/a/b of v2, and 4:memory:/a/b of v1.
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		var limit int64
		switch {
		case controllers == "":
			limit = limitAbove(root, "sys/fs/cgroup", group, "memory.max")
		case hasController(controllers, "memory"):
			limit = limitAbove(root, "sys/fs/cgroup/memory", group, "memory.limit_in_bytes")
		}
		if limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
	}
	return least
}

func hasController(list, name string) bool {
	for controller := range strings.SplitSeq(list, ",") {
		if controller == name {
			return true
		}
	}
	return false
}

// limitAbove returns the least limit of a group and those above it; 0 for none. A
// container may see its own group as the top one, and see another path.
func limitAbove(root fs.FS, mount, group, file string) int64 {
	least := int64(0)
	for at := path.Clean("/" + group); ; at = path.Dir(at) {
		if limit := readLimit(root, path.Join(mount, at, file)); limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
		if at == "/" {
			return least
		}
	}
}

// readLimit reads a limit in bytes; 0 for none.
func readLimit(root fs.FS, name string) int64 {
	// Version 1 says none by a huge number of whole pages.
	const none = math.MaxInt64 / 2
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || limit < 0 || limit >= none { // "max", too
		return 0
	}
	return limit
}

func hostMemory(root fs.FS) int64 {
	file, err := root.Open("proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}
