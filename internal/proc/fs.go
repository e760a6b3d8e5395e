package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// FS is where this machine's procfs and sysfs are.
type FS struct {
	proc, sys string
}

// NewFS checks that procfs is a procfs, and one of our own PID namespace: system
// calls and SO_PEERCRED take and give pids of that, so that in the host's procfs
// mounted into a container the same number is another process. Without sysfs
// only some facts about the host are missing.
func NewFS(procfs, sysfs string) (FS, error) {
	b, err := os.ReadFile(filepath.Join(procfs, "self", "stat"))
	var self Stat
	if err == nil {
		err = ParseStat(b, &self)
	}
	if err != nil {
		return FS{}, fmt.Errorf("no procfs at %s (%w): give its mount point with --path.procfs", procfs, err)
	}
	if self.PID != os.Getpid() {
		return FS{}, fmt.Errorf("the procfs at %s belongs to another PID namespace: run the exporter in that (Docker: --pid=host, Kubernetes: hostPID) or give the procfs of its own", procfs)
	}
	return FS{proc: procfs, sys: sysfs}, nil
}

// Proc is where the procfs is mounted.
func (fs FS) Proc() string { return fs.proc }

// path names a file of a process.
func (fs FS) path(pid int, name string) string {
	return fs.proc + "/" + strconv.Itoa(pid) + "/" + name
}

// read reads a small file of a process.
func (fs FS) read(pid int, name string) ([]byte, error) {
	path := fs.path(pid, name)
	b, err := os.ReadFile(path)
	return b, classify(path, err)
}

// open opens a file of a process. The descriptor goes on meaning that process,
// also when its pid is used again.
func (fs FS) open(pid int, name string) (int, error) {
	path := fs.path(pid, name)
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		return fd, classify(path, err)
	}
}
