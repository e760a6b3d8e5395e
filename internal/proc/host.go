package proc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// OvercommitMode is vm.overcommit_memory: 0, 1 or 2.
func (fs FS) OvercommitMode() (int, error) {
	b, err := os.ReadFile(filepath.Join(fs.proc, "sys", "vm", "overcommit_memory"))
	if err != nil {
		return 0, fmt.Errorf("reading the overcommit mode: %w", err)
	}
	mode, err := whole(bytes.TrimSpace(b))
	if err != nil {
		return 0, fmt.Errorf("reading the overcommit mode: %w", err)
	}
	return mode, nil
}

// HugePages is the mode of transparent huge pages: always, madvise or never.
func (fs FS) HugePages() (string, error) {
	b, err := os.ReadFile(filepath.Join(fs.sys, "kernel", "mm", "transparent_hugepage", "enabled"))
	if err != nil {
		return "", fmt.Errorf("reading the mode of huge pages: %w", err)
	}
	_, after, _ := strings.Cut(string(b), "[")
	mode, _, ok := strings.Cut(after, "]")
	if !ok {
		return "", errors.New("no mode of huge pages is chosen")
	}
	return mode, nil
}

// CPUs is how many CPUs the machine can have. Unlike runtime.NumCPU it is not
// about those that this program may use.
func (fs FS) CPUs() (int, error) {
	b, err := os.ReadFile(filepath.Join(fs.sys, "devices", "system", "cpu", "possible"))
	if err != nil {
		return 0, fmt.Errorf("counting the CPUs: %w", err)
	}
	last := bytes.TrimSpace(b) // as in 0-3,8-11
	last = last[bytes.LastIndexAny(last, ",-")+1:]
	n, err := whole(last)
	if err != nil {
		return 0, fmt.Errorf("counting the CPUs: %w", err)
	}
	return n + 1, nil
}

// OOMCounter finds the counter of OOM kills around a process: its memory cgroup's
// (v2 counts the descendants' too), or where that can't be read (the cgroup's
// mount is not ours) the host's (Linux 4.13). It counts from the cgroup's or the
// host's beginning, so only a rise means something; and as it is bound to one
// file, a rise is never the difference between two counters.
func (fs FS) OOMCounter(pid int) (read func() (uint64, error), err error) {
	b, err := fs.read(pid, "cgroup")
	if errors.Is(err, ErrGone) {
		return nil, err
	}
	var files []string
	if err == nil {
		for _, c := range fs.cgroupDirs(b, "memory") {
			name := "memory.oom_control"
			if c.v2 {
				name = "memory.events"
			}
			files = append(files, filepath.Join(c.path, name))
		}
	}
	files = append(files, filepath.Join(fs.proc, "vmstat"))
	for _, file := range files {
		if _, err = counter(file, "oom_kill"); err == nil {
			return func() (uint64, error) { return counter(file, "oom_kill") }, nil
		}
	}
	return nil, fmt.Errorf("no counter of OOM kills: %w", err)
}

// counter reads a line "name N" of a file.
func counter(file, name string) (uint64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), " "); ok && key == name {
			n, _, ok := number([]byte(value))
			if !ok {
				return 0, fmt.Errorf("%s: %s: %w", file, name, errNoNumber)
			}
			return n, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%s counts no %s", file, name)
}
