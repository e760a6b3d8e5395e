package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// FS is this machine's procfs.
type FS struct {
	proc string // where it is mounted
}

// NewFS returns the procfs that is mounted at procfs. It checks that there is one,
// and that it belongs to the PID namespace of this program: system calls and
// SO_PEERCRED take and give pids of that namespace, and in the host's procfs
// mounted into a container the same number is another process.
func NewFS(procfs string) (FS, error) {
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
	return FS{proc: procfs}, nil
}

// path returns the path of the file name of the process pid.
func (fs FS) path(pid int, name string) string {
	return fs.proc + "/" + strconv.Itoa(pid) + "/" + name
}

// Status returns /proc/PID/status of the process that has this pid now.
func (fs FS) Status(pid int) (Status, error) {
	b, err := fs.read(pid, "status")
	if err != nil {
		return Status{}, err
	}
	return ParseStatus(b)
}

// read returns the content of the small file name of the process pid.
func (fs FS) read(pid int, name string) ([]byte, error) {
	path := fs.path(pid, name)
	b, err := os.ReadFile(path)
	return b, Classify(path, err)
}

// open opens the file name of the process pid. The descriptor goes on meaning that
// process, even when its pid is used again.
func (fs FS) open(pid int, name string) (int, error) {
	path := fs.path(pid, name)
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		return fd, Classify(path, err)
	}
}
