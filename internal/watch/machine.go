package watch

import (
	"context"
	"runtime"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
)

// Redis is what a Watcher asks of the server. *redisinfo.Client is one.
type Redis interface {
	Info(ctx context.Context) (redisinfo.Info, error)
	SavePoint(ctx context.Context) (opt.Val[redisinfo.SavePoint], error)
	// Peer describes the connection that the last Info used.
	Peer() (redisinfo.Peer, bool)
}

// Machine is what a Watcher asks of the machine.
type Machine interface {
	// FindServer proves which process is the server; its error says why there is none.
	FindServer(q proc.Query) (pid int, err error)
	Open(pid int) (Process, error)
	// WatchChildren calls notify with the process's children, at once and then at
	// each change. notify must not block; pids is good during the call only.
	WatchChildren(p Process, notify func(pids []int)) (stop func(), err error)
	// OOMCounter finds the counter of OOM kills around a process.
	OOMCounter(pid int) (read func() (uint64, error), err error)
	// MemoryCgroup opens a process's memory cgroup; the caller closes it.
	MemoryCgroup(pid int) (Cgroup, error)
	// Pages opens a child's pages for sampling; the caller closes it.
	Pages(child Process) (Pages, error)
	// MayReadPages tells whether this reader may sample the pages of a process.
	MayReadPages(p Process) bool
	// Room reads what limits a process's fork, but for Accounted. The process has so
	// many bytes of address space.
	Room(pid int, virtual uint64) history.Room
	// Accounting reads the kernel's delay accounting of a process: how many pages all
	// threads have copied, and the time that took the main thread, or where that
	// serves nobody, all threads.
	Accounting(pid int, mainServes bool) (taskstats.Stats, error)
	// Accounted tells whether the kernel has accounted a process from its start.
	Accounted(pid int) (bool, error)
	// AccountingOff tells whether it certainly accounts nobody now.
	AccountingOff() bool
	// MayHaveHugePages tells whether a process may get transparent huge pages of itself;
	// true where that is not known.
	MayHaveHugePages(pid int) bool
	// CPUs is how many the machine can have.
	CPUs() int
}

// Cgroup is a memory cgroup. *proc.MemoryCgroup is one.
type Cgroup interface {
	Anonymous() (uint64, error)
	AnonymousHuge() (uint64, error)
	Processes() ([]int, error)
	Close()
}

// Pages is the private memory of a child. *proc.Pages is one; there the methods
// are documented.
type Pages interface {
	Read() ([]proc.PlaceRead, error)
	Places() int
	Weight() float64
	Close()
}

// Process is one process, held so that it can't be taken for another.
// *proc.Process is one; there the methods are documented.
type Process interface {
	ID() proc.ID
	Stat() (proc.Stat, error)
	Status() (proc.Status, error)
	RunTime() (time.Duration, error)
	Title() (string, error)
	ThreadNames() ([]string, error)
	Executable() (string, error)
	Smaps() (proc.Smaps, error)
	Accounted() (proc.Accounted, error)
	WrittenBytes() (uint64, error)
	BirthTime() (time.Time, error)
	Exited() <-chan struct{}
	ExitTime() time.Time
	Reaped() <-chan struct{}
	ExitStatus() (syscall.WaitStatus, bool)
	Close() error
}

// LocalMachine is the machine this program runs on. Its Poller must be running.
type LocalMachine struct {
	FS     proc.FS
	Poller *proc.ChildPoller
	// Stats reads delay accounting; nil where NoStats says why it can't.
	Stats   *taskstats.Client
	NoStats error
}

// MemoryCgroup implements Machine.
func (m LocalMachine) MemoryCgroup(pid int) (Cgroup, error) {
	c, err := m.FS.MemoryCgroup(pid)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Accounted implements Machine. It asks for the main thread: a thread that was
// started after the accounting was switched on would speak for all of them. A
// main thread that is accounted has copied pages before it serves anybody.
func (m LocalMachine) Accounted(pid int) (bool, error) {
	if m.Stats == nil {
		return false, m.NoStats
	}
	s, err := m.Stats.Thread(pid)
	return s.CopyCount > 0, err
}

// Accounting implements Machine.
func (m LocalMachine) Accounting(pid int, mainServes bool) (taskstats.Stats, error) {
	if m.Stats == nil {
		return taskstats.Stats{}, m.NoStats
	}
	s, err := m.Stats.Process(pid)
	if err != nil || !mainServes {
		return s, err
	}
	main, err := m.Stats.Thread(pid)
	s.CopyDelay = main.CopyDelay
	return s, err
}

// AccountingOff implements Machine.
func (m LocalMachine) AccountingOff() bool {
	on, err := taskstats.DelayAccounting(m.FS.Proc())
	return err == nil && !on
}

// MayHaveHugePages implements Machine. With the mode madvise an allocator would have
// to ask for them; none of the servers' does of itself.
func (m LocalMachine) MayHaveHugePages(pid int) bool {
	if mode, err := m.FS.HugePages(); err == nil && mode != "always" {
		return false
	}
	allowed, err := m.FS.HugePagesAllowed(pid)
	return err != nil || allowed.Or(true)
}

// CPUs implements Machine.
func (m LocalMachine) CPUs() int {
	n, err := m.FS.CPUs()
	if err != nil {
		return runtime.NumCPU()
	}
	return n
}

// Pages implements Machine.
func (m LocalMachine) Pages(child Process) (Pages, error) {
	p, err := child.(*proc.Process).Pages()
	if err != nil {
		return nil, err
	}
	return p, nil
}

// MayReadPages implements Machine.
func (m LocalMachine) MayReadPages(p Process) bool { return p.(*proc.Process).MayReadPages() }

// FindServer implements Machine.
func (m LocalMachine) FindServer(q proc.Query) (int, error) { return m.FS.FindServer(q) }

// OOMCounter implements Machine.
func (m LocalMachine) OOMCounter(pid int) (func() (uint64, error), error) {
	return m.FS.OOMCounter(pid)
}

// Open implements Machine.
func (m LocalMachine) Open(pid int) (Process, error) {
	p, err := m.FS.Open(pid)
	if err != nil {
		return nil, err // not p: a nil *proc.Process in a Process is not nil
	}
	return p, nil
}

// WatchChildren implements Machine.
func (m LocalMachine) WatchChildren(p Process, notify func([]int)) (func(), error) {
	return m.Poller.Watch(m.FS, p.(*proc.Process), notify)
}
