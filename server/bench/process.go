package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of processor time in /proc: 100 on every Linux that
// matters, whatever the kernel's own timer does.
const ticksPerSecond = 100

// usage is what a group of processes has used since they started.
type usage struct {
	known   bool // false where there is no /proc
	cpu     time.Duration
	peak    int64 // of resident memory, in bytes; for several, the sum
	written int64 // bytes sent to the disk
}

// minus returns what was used since an earlier time. The peak stays.
func (u usage) minus(earlier usage) usage {
	u.known = u.known && earlier.known
	u.cpu -= earlier.cpu
	u.written -= earlier.written
	return u
}

// usageOf adds up processes. Those that cannot be read make it unknown.
func usageOf(pids ...int) usage {
	total := usage{known: len(pids) > 0}
	for _, pid := range pids {
		u, err := usageOfOne(pid)
		if err != nil {
			return usage{}
		}
		total.cpu += u.cpu
		total.peak += u.peak
		total.written += u.written
	}
	return total
}

func usageOfOne(pid int) (usage, error) {
	folder := fmt.Sprintf("/proc/%d", pid)
	fields, err := statFields(pid)
	if err != nil {
		return usage{}, err
	}
	var u usage
	// User and system time, of the process and of its children that have ended:
	// the 14th to 17th field of the file.
	for _, field := range fields[11:15] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return usage{}, err
		}
		u.cpu += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	if u.peak, err = numberIn(folder+"/status", "VmHWM:"); err != nil {
		return usage{}, err
	}
	u.peak *= 1024
	if u.written, err = numberIn(folder+"/io", "write_bytes:"); err != nil {
		return usage{}, err
	}
	return u, nil
}

// statFields returns the fields of a process's stat from the third on: what is
// before may contain spaces.
func statFields(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 15 {
		return nil, fmt.Errorf("the stat of process %d has %d fields", pid, len(fields))
	}
	return fields, nil
}

// numberIn returns the number after a name at the start of a line.
func numberIn(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			return strconv.ParseInt(number, 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// family returns a process and its children.
func family(pid int) []int {
	pids := []int{pid}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return pids
	}
	for _, path := range paths {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		fields, err := statFields(child)
		if err == nil && fields[1] == strconv.Itoa(pid) {
			pids = append(pids, child)
		}
	}
	return pids
}

// machineTime is the processor time of the whole machine since it started, in
// seconds: what was used, and all there was.
type machineTime struct{ busy, all float64 }

// machineTimes is zero where there is no /proc.
func machineTimes() machineTime {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return machineTime{}
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var m machineTime
	// user, nice, system, idle, waiting for input or output, interrupts, soft
	// interrupts, stolen by the host; what follows is part of the first two.
	for i, field := range strings.Fields(line)[1:9] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return machineTime{}
		}
		m.all += ticks / ticksPerSecond
		if idle := i == 3 || i == 4; !idle {
			m.busy += ticks / ticksPerSecond
		}
	}
	return m
}
