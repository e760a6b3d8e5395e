package proc

import (
	"errors"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

var errNotYet = errors.New("not read yet")

// CgroupRoom is the tightest limit of a memory cgroup and those above it, and what
// it leaves, in bytes. See history.CgroupRoom.
type CgroupRoom struct {
	Path        string
	Limit, Left uint64
	High        opt.Val[uint64]
}

// CgroupRoom reads the limits of a process's memory cgroup and those above it. The
// room is absent where none has a limit; an error says that nobody can tell.
func (fs FS) CgroupRoom(pid int) (opt.Val[CgroupRoom], error) {
	return opt.Val[CgroupRoom]{}, errNotYet
}

// Memory is what /proc/meminfo says of the host, in bytes.
type Memory struct {
	Total, Available, SwapTotal uint64
	// Commit is CommitLimit − Committed_AS, less what mode 2 holds back for others
	// than this process's virtualBytes; see FS.Memory.
	CommitLimit, Committed uint64
}

// Memory reads /proc/meminfo.
func (fs FS) Memory() (Memory, error) { return Memory{}, errNotYet }

// TaskRoom is the tightest limit on processes and threads, and what it leaves.
type TaskRoom struct {
	Limit string
	Left  int64
}

// TaskRoom reads the limits that a fork of a process would meet: pids.max of its
// cgroup and those above, its RLIMIT_NPROC, kernel.threads-max, kernel.pid_max.
func (fs FS) TaskRoom(pid int) (TaskRoom, error) { return TaskRoom{}, errNotYet }

// KernelVersion is the running kernel's.
func KernelVersion() (major, minor int, err error) { return 0, 0, errNotYet }
