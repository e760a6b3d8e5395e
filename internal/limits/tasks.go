package limits

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/prometheus/procfs"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

// reservedPIDs are never given to a process again once the numbers have been
// through.
const reservedPIDs = 300

var errNoTaskLimit = errors.New("no limit on processes can be read")

// taskLimit returns the tightest limit on processes and threads that a fork of the
// process pid would meet. That takes some 50 µs; only where RLIMIT_NPROC is less
// than all threads of the machine, and the user not root, every process has to be
// looked at.
func (fs FS) taskLimit(pid int) (TaskLimit, error) {
	tightest := TaskLimit{Left: math.MaxInt64}
	tighten := func(name string, left int64) {
		if left < tightest.Left {
			tightest = TaskLimit{name, left}
		}
	}
	tasks, err := fs.tasks()
	if err == nil {
		kernel := filepath.Join(fs.proc, "sys", "kernel")
		if n, err := readNumber(kernel, "threads-max"); err == nil && n < none {
			tighten("kernel.threads-max", int64(n)-tasks)
		}
		if n, err := readNumber(kernel, "pid_max"); err == nil && n < none {
			tighten("kernel.pid_max", int64(n)-reservedPIDs-tasks)
		}
		if left, ok := fs.userLeft(pid, tasks); ok {
			tighten("RLIMIT_NPROC", left)
		}
	}
	if left, ok := fs.pidsLeft(pid); ok {
		tighten("pids.max", left)
	}
	if tightest.Name == "" {
		return TaskLimit{}, fmt.Errorf("process %d: %w", pid, errNoTaskLimit)
	}
	return tightest, nil
}

// tasks returns how many threads the machine has: the second number of the fourth
// field of loadavg.
func (fs FS) tasks() (int64, error) {
	b, err := os.ReadFile(filepath.Join(fs.proc, "loadavg"))
	if err != nil {
		return 0, err
	}
	f := bytes.Fields(b)
	if len(f) < 4 {
		return 0, fmt.Errorf("loadavg: %w", proc.ErrTruncated)
	}
	_, all, ok := bytes.Cut(f[3], []byte("/"))
	n, err := strconv.ParseUint(string(all), 10, 32)
	if !ok || err != nil {
		return 0, errors.New("loadavg: no number of tasks")
	}
	return int64(n), nil
}

// userLeft returns how many more threads RLIMIT_NPROC leaves the user of the
// process pid, of a machine with so many tasks; false where there is no such limit.
func (fs FS) userLeft(pid int, tasks int64) (int64, bool) {
	status, err := fs.status(pid)
	if err != nil || status.UID == 0 { // root is exempt
		return 0, false
	}
	lib, err := procfs.NewFS(fs.proc)
	if err != nil {
		return 0, false
	}
	p, err := lib.Proc(pid)
	if err != nil {
		return 0, false
	}
	limits, err := p.Limits()
	if err != nil || limits.Processes > math.MaxInt64 {
		return 0, false
	}
	limit := int64(limits.Processes)
	if tasks < limit { // all of the machine's are fewer
		return limit - tasks, true
	}
	return limit - fs.tasksOf(status.UID), true
}

// tasksOf returns how many threads the user uid has.
func (fs FS) tasksOf(uid int) (n int64) {
	entries, err := os.ReadDir(fs.proc)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		status, err := fs.status(pid)
		if err == nil && status.UID == uid {
			n += int64(status.Threads)
		}
	}
	return n
}

// status returns the status of the process pid.
func (fs FS) status(pid int) (proc.Status, error) {
	b, err := fs.readFile(pid, "status")
	if err != nil {
		return proc.Status{}, err
	}
	return proc.ParseStatus(b)
}

// pidsLeft returns how many more tasks pids.max of the cgroup of the process pid,
// and of those above it, leaves; false where none has a limit, or none can be seen.
func (fs FS) pidsLeft(pid int) (int64, bool) {
	lines, err := fs.readFile(pid, "cgroup")
	if err != nil {
		return 0, false
	}
	left := int64(math.MaxInt64)
	for _, c := range fs.cgroupDirs(lines, "pids") {
		members, err := cgroupProcesses(c.path)
		if err != nil || !slices.Contains(members, pid) {
			continue // a path that begins in another cgroup namespace leads elsewhere here
		}
		for _, dir := range upTo(c.mount, c.path) {
			limit, err1 := readNumber(dir, "pids.max")
			now, err2 := readNumber(dir, "pids.current")
			if err1 == nil && err2 == nil && limit < none && now < none {
				left = min(left, int64(limit)-int64(now))
			}
		}
	}
	return left, left < math.MaxInt64
}
