package limits

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// OOMScoreAdj returns what is added to the badness of the process pid when the kernel
// looks for somebody to kill, from -1000 (never) to 1000. Anyone may read it.
func (fs FS) OOMScoreAdj(pid int) (int, error) {
	b, err := fs.readFile(pid, "oom_score_adj")
	if err != nil {
		return 0, err
	}
	b = bytes.TrimSpace(b)
	n, err := strconv.Atoi(string(b))
	if err != nil || n < -1000 || n > 1000 {
		return 0, fmt.Errorf("oom_score_adj: %q is no number from -1000 to 1000", b)
	}
	return n, nil
}

// OOMGroup returns the topmost memory cgroup around the process pid whose members the
// kernel kills all together when one of them is to be killed (memory.oom.group,
// cgroup version 2, Linux 4.19); "" where there is none.
func (fs FS) OOMGroup(pid int) (string, error) {
	c, err := fs.MemoryCgroup(pid)
	if err != nil {
		return "", err
	}
	defer c.Close()
	group := ""
	for _, dir := range upTo(c.mount, c.path) {
		n, err := readNumber(dir, "memory.oom.group")
		if err != nil {
			return "", err
		}
		if n == 1 {
			group = "/" + strings.Trim(strings.TrimPrefix(dir, c.mount), "/")
		}
	}
	return group, nil
}

// OOMCounter returns a function that reads the counter of OOM kills around the
// process pid: its memory cgroup's (v2 counts the descendants' too), or where that
// can't be read (the cgroup's mount is not ours) the host's (Linux 4.13). It counts
// from the cgroup's or the host's beginning, so only a rise means something; and as
// it is bound to one file, a rise is never the difference between two counters.
func (fs FS) OOMCounter(pid int) (read func() (uint64, error), err error) {
	b, err := fs.readFile(pid, "cgroup")
	if errors.Is(err, proc.ErrGone) {
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

// counter returns N of the line "name N" of file.
func counter(file, name string) (uint64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), " "); ok && key == name {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %s: %w", file, name, err)
			}
			return n, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%s counts no %s", file, name)
}
