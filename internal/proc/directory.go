package proc

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Disk is the file system that a process's working directory is on. The servers
// change to their data directory, so that is where they save.
type Disk struct {
	Path string // as the process sees it
	Free uint64 // bytes that are free to a user who is not root
}

// Disk returns the file system of the working directory of the process pid. It needs
// the right to trace, and sees what the process sees, also in another mount
// namespace.
func (fs FS) Disk(pid int) (Disk, error) {
	link := fs.path(pid, "cwd")
	path, err := os.Readlink(link)
	if err != nil {
		return Disk{}, Classify(link, err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(link+"/.", &s); err != nil {
		return Disk{}, Classify(link, err)
	}
	block := uint64(max(s.Bsize, 0))
	return Disk{Path: path, Free: min(s.Bavail, math.MaxInt64/max(block, 1)) * block}, nil
}

// FileSize returns the size in bytes of the file name in the working directory of the
// process pid; absent where there is no such file. It needs the right to trace.
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
		return opt.Val[uint64]{}, Classify(path, err)
	}
	return opt.Of(uint64(max(0, info.Size()))), nil
}
