package limits

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// Limits are what the machine leaves one server, as last read. Sizes are in bytes,
// and as the kernel counts them: what a running child holds is in use. Returned
// says how much of that comes back when it ends.
type Limits struct {
	At time.Time // zero: never read

	// Cgroup is the tightest limit of the server's memory cgroup and those above
	// it, as far up as they are visible here. It is absent where none has a limit;
	// and where CgroupSeen is false nobody can tell.
	Cgroup     opt.Val[Limit]
	CgroupSeen bool
	// High is likewise the tightest memory.high (version 2), beyond which the kernel
	// slows everybody in the cgroup down.
	High opt.Val[Limit]
	// Host is what new memory can be had without swapping (MemAvailable).
	Host opt.Val[uint64]
	// Commit is what may still be committed in overcommit mode 2; absent in the other
	// modes. A fork has to commit less than that, and commits Committed.Bytes.
	Commit opt.Val[uint64]
	// Mapping is the largest single mapping that the kernel lets a fork commit in
	// overcommit mode 0; absent in the other modes.
	Mapping opt.Val[uint64]
	// CommitSeen says that Commit and Mapping could be read: one that is absent is no
	// limit then.
	CommitSeen bool
	// Committed is what of the server's memory a fork has to commit; absent where it
	// makes no difference (mode 1) or could not be read.
	Committed opt.Val[Committed]
	// Tasks is the tightest limit on the number of processes and threads.
	Tasks opt.Val[TaskLimit]

	// Returned is what the children that were running then will give back: their
	// private memory and page tables. ReturnedTasks is how many they were.
	Returned      uint64
	ReturnedTasks int
}

// Limit is a memory cgroup's limit, and what it leaves, in bytes.
type Limit struct {
	Path string // as /proc/PID/cgroup names it, of the cgroup whose limit it is
	Max  uint64
	// Left is the limit less what is charged to the cgroup and those below it.
	// Inactive file cache counts as left: the kernel drops it first.
	Left uint64
}

// TaskLimit is a limit on processes and threads, and how many more it allows: less
// than none if there are too many already.
type TaskLimit struct {
	Name string // pids.max, RLIMIT_NPROC, kernel.threads-max or kernel.pid_max
	Left int64
}

// Read returns what the machine leaves the process pid, which has virtual bytes of
// address space. It leaves out Committed, Returned and ReturnedTasks.
func (fs FS) Read(pid int, virtual uint64) Limits {
	l := Limits{At: time.Now()}
	var err error
	l.Cgroup, l.High, err = fs.memoryLimits(pid)
	l.CgroupSeen = err == nil
	if m, err := fs.memory(); err == nil {
		l.Host = m.available
		if o, err := fs.overcommit(m, virtual); err == nil {
			l.Commit, l.Mapping, l.CommitSeen = o.commit, o.mapping, true
		}
	}
	if tasks, err := fs.taskLimit(pid); err == nil {
		l.Tasks = opt.Of(tasks)
	}
	return l
}

// Passes reports whether the kernel's check of a fork's memory lets c pass, once the
// running children have given back theirs.
func (l Limits) Passes(c Committed) bool {
	commit, strict := l.Commit.Get()
	if strict {
		return c.Bytes < commit+uint64(l.ReturnedTasks)*c.Bytes
	}
	mapping, heuristic := l.Mapping.Get()
	return !heuristic || c.Largest <= mapping
}
