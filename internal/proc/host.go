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
		files = oomFiles(filepath.Join(fs.sys, "fs", "cgroup"), b)
	}
	files = append(files, filepath.Join(fs.proc, "vmstat"))
	for _, file := range files {
		if _, err = counter(file, "oom_kill"); err == nil {
			return func() (uint64, error) { return counter(file, "oom_kill") }, nil
		}
	}
	return nil, fmt.Errorf("no counter of OOM kills: %w", err)
}

// oomFiles names the files that may count a cgroup's OOM kills, by the lines
// "id:controllers:path" of /proc/PID/cgroup.
func oomFiles(mount string, cgroup []byte) (files []string) {
	for line := range strings.Lines(string(cgroup)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case parts[0] == "0": // v2
			files = append(files, filepath.Join(mount, parts[2], "memory.events"))
		case strings.Contains(","+parts[1]+",", ",memory,"):
			files = append(files, filepath.Join(mount, "memory", parts[2], "memory.oom_control"))
		}
	}
	return files
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
