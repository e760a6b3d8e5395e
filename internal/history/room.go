package history

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Room is what the machine leaves a server, as last read. Sizes are in bytes, and
// as the kernel counts them: what a running child holds is in use. Returned says
// how much of that comes back when it ends.
type Room struct {
	At time.Time // zero: never read

	// Cgroup is the tightest limit of the server's memory cgroup and those above
	// it, as far up as they are visible here. It is absent where none has a limit;
	// and where CgroupSeen is false nobody can tell.
	Cgroup     opt.Val[CgroupRoom]
	CgroupSeen bool
	// High is likewise the tightest memory.high (version 2), beyond which the kernel
	// slows everybody in the cgroup down.
	High opt.Val[CgroupRoom]
	// Host is what new memory can be had without swapping (MemAvailable).
	Host opt.Val[uint64]
	// Commit is what may still be committed in overcommit mode 2; absent in the other
	// modes. A fork has to commit less than that, and commits Accounted.Bytes.
	Commit opt.Val[uint64]
	// Mapping is the largest single accounted mapping that the kernel lets a fork
	// copy in overcommit mode 0; absent in the other modes.
	Mapping opt.Val[uint64]
	// Accounted is what of the server's memory the kernel accounts for; absent
	// where it makes no difference (mode 1) or could not be read.
	Accounted opt.Val[Accounted]
	// Tasks is the tightest limit on the number of processes and threads.
	Tasks opt.Val[TaskRoom]

	// Returned is what the children that were running then will give back: their
	// private memory and page tables. ReturnedTasks is how many they were.
	Returned      uint64
	ReturnedTasks int
}

// CgroupRoom is a memory cgroup's limit, and what it leaves.
type CgroupRoom struct {
	Path  string // as /proc/PID/cgroup names it, of the cgroup whose limit it is
	Limit uint64
	// Left is the limit less what is charged. Inactive file cache counts as left:
	// the kernel drops it first.
	Left uint64
}

// Accounted is what of a server's memory counts towards the commit limit, and is
// checked again at each fork: mappings without MAP_NORESERVE. jemalloc from 5
// maps its heap with MAP_NORESERVE if the server started in mode 0 or 1.
type Accounted struct {
	Bytes   uint64 // all of it
	Largest uint64 // the largest single mapping
	// AtMost says that the figures are upper bounds, from all private writable
	// mappings: enough to say that a fork will not be refused, not that it will.
	AtMost bool
}

// Passes tells whether the kernel's check of a fork's memory lets so much pass,
// with what running children give back.
func (r Room) Passes(a Accounted) bool {
	commit, strict := r.Commit.Get()
	if strict {
		return a.Bytes < commit+uint64(r.ReturnedTasks)*a.Bytes
	}
	mapping, heuristic := r.Mapping.Get()
	return !heuristic || a.Largest <= mapping
}

// TaskRoom is a limit on processes and threads, and what it leaves.
type TaskRoom struct {
	Limit string // pids.max, RLIMIT_NPROC, kernel.threads-max or kernel.pid_max
	Left  int64
}

// KernelVersion is the running kernel's.
type KernelVersion struct{ Major, Minor int }

// Before tells whether a kernel is older than a version.
func (v KernelVersion) Before(major, minor int) bool {
	return v.Major < major || v.Major == major && v.Minor < minor
}
