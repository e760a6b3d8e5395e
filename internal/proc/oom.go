package proc

import (
	"bytes"
	"errors"
	"fmt"
	iofs "io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// OOMScoreAdj is what is added to a process's badness when the kernel looks for
// somebody to kill, from -1000 (never) to 1000. Anyone may read it.
func (fs FS) OOMScoreAdj(pid int) (int, error) {
	b, err := fs.read(pid, "oom_score_adj")
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil || n < -1000 || n > 1000 {
		return 0, fmt.Errorf("oom_score_adj: %w", errNoNumber)
	}
	return n, nil
}

// OOMGroup is the topmost memory cgroup around a process whose members the kernel
// kills all together when one of them is to be killed (memory.oom.group, cgroup
// version 2, Linux 4.19); "" where there is none.
func (fs FS) OOMGroup(pid int) (string, error) {
	c, err := fs.MemoryCgroup(pid)
	if err != nil {
		return "", err
	}
	defer c.Close()
	group := ""
	for _, dir := range upTo(c.mount, c.path) {
		n, err := cgroupNumber(dir, "memory.oom.group")
		if err != nil {
			return "", err
		}
		if n == 1 {
			group = "/" + strings.Trim(strings.TrimPrefix(dir, c.mount), "/")
		}
	}
	return group, nil
}

// HugePagesAllowed tells whether a process may get transparent huge pages, or has
// switched them off for itself (PR_SET_THP_DISABLE); absent before Linux 5.0.
// Anyone may read it.
func (fs FS) HugePagesAllowed(pid int) (opt.Val[bool], error) {
	b, err := fs.read(pid, "status")
	if err != nil {
		return opt.Val[bool]{}, err
	}
	for line := range bytes.Lines(b) {
		if value, ok := bytes.CutPrefix(line, []byte("THP_enabled:")); ok {
			n, err := whole(bytes.TrimSpace(value))
			if err != nil {
				return opt.Val[bool]{}, fmt.Errorf("status: THP_enabled: %w", err)
			}
			return opt.Of(n != 0), nil
		}
	}
	return opt.Val[bool]{}, nil
}

// Disk is the file system that a process's working directory is on. The servers
// change to their data directory, so that is where they save.
type Disk struct {
	Path string // as the process sees it
	Free uint64 // bytes that are free to a user who is not root
}

// Disk looks at a process's working directory. It needs the right to trace, and
// sees what the process sees, also in another mount namespace.
func (fs FS) Disk(pid int) (Disk, error) {
	link := fs.path(pid, "cwd")
	path, err := os.Readlink(link)
	if err != nil {
		return Disk{}, classify(link, err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(link+"/.", &s); err != nil {
		return Disk{}, classify(link, err)
	}
	block := uint64(max(s.Bsize, 0))
	return Disk{Path: path, Free: min(s.Bavail, math.MaxInt64/max(block, 1)) * block}, nil
}

// FileSize is the size of a file in a process's working directory, in bytes; absent
// where there is no such file. It needs the right to trace.
func (fs FS) FileSize(pid int, name string) (opt.Val[uint64], error) {
	if name == "" || filepath.Base(name) != name {
		return opt.Val[uint64]{}, fmt.Errorf("%q is no name of a file in a directory", name)
	}
	path := fs.path(pid, "cwd/"+name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return opt.Val[uint64]{}, nil
	case err != nil:
		return opt.Val[uint64]{}, classify(path, err)
	}
	return opt.Of(uint64(max(0, info.Size()))), nil
}
