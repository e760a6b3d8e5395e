package watch

import (
	"context"
	"runtime"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
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
	// OOMCounter finds the counter of OOM kills around a process.
	OOMCounter(pid int) (read func() (uint64, error), err error)
	// MemoryCgroup opens a process's memory cgroup; the caller closes it.
	MemoryCgroup(pid int) (child.Cgroup, error)
	// ReadLimits reads what the machine leaves the process pid, which has virtual bytes
	// of address space, but for Committed.
	ReadLimits(pid int, virtual uint64) limits.Limits
	// Delays reads the kernel's delay accounting of a process: how many pages all
	// threads have copied, and the time that took the main thread, or where that
	// serves nobody, all threads.
	Delays(pid int, mainServes bool) (taskstats.Stats, error)
	// HasDelays reports whether the kernel has accounted the delays of a process from its start.
	HasDelays(pid int) (bool, error)
	// DelaysOff reports whether it certainly accounts nobody's now.
	DelaysOff() bool
	// MayHaveHugePages reports whether a process may get transparent huge pages of itself;
	// true where that is not known.
	MayHaveHugePages(pid int) bool
	// CPUs returns how many the machine can have.
	CPUs() int
}

// Process is one process, held so that it can't be taken for another.
// *proc.Process is nearly one; there the methods are documented.
type Process interface {
	child.Process
	ThreadNames() ([]string, error)
	Executable() (string, error)
	// Committed reads what a fork of the process has to commit: see limits.ReadCommitted.
	Committed() (limits.Committed, error)
	BirthTime() (time.Time, error)
	// WatchChildren calls notify with the process's children, at once and then at
	// each change. notify must not block; pids is good during the call only.
	WatchChildren(notify func(pids []int)) (stop func(), err error)
	Close() error
}

// LocalMachine is the machine this program runs on. Its Poller must be running.
type LocalMachine struct {
	FS     proc.FS
	Limits limits.FS
	Poller *proc.ChildPoller
	// Stats reads delay accounting; nil where NoStats says why it can't.
	Stats   *taskstats.Client
	NoStats error
}

// MemoryCgroup implements Machine.
func (m LocalMachine) MemoryCgroup(pid int) (child.Cgroup, error) {
	c, err := m.Limits.MemoryCgroup(pid)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// HasDelays implements Machine. It asks for the main thread: a thread that was
// started after the accounting was switched on would speak for all of them. A
// main thread that is accounted has copied pages before it serves anybody.
func (m LocalMachine) HasDelays(pid int) (bool, error) {
	if m.Stats == nil {
		return false, m.NoStats
	}
	s, err := m.Stats.Thread(pid)
	return s.CopyCount > 0, err
}

// Delays implements Machine.
func (m LocalMachine) Delays(pid int, mainServes bool) (taskstats.Stats, error) {
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

// DelaysOff implements Machine.
func (m LocalMachine) DelaysOff() bool {
	on, err := m.Limits.DelayAccounting()
	return err == nil && !on
}

// MayHaveHugePages implements Machine. With the mode madvise an allocator would have
// to ask for them; none of the servers' does of itself.
func (m LocalMachine) MayHaveHugePages(pid int) bool {
	if mode, err := m.Limits.HugePages(); err == nil && mode != "always" {
		return false
	}
	status, err := m.FS.Status(pid)
	return err != nil || status.HugePages.Or(true)
}

// CPUs implements Machine.
func (m LocalMachine) CPUs() int {
	n, err := m.Limits.CPUs()
	if err != nil {
		return runtime.NumCPU()
	}
	return n
}

// FindServer implements Machine.
func (m LocalMachine) FindServer(q proc.Query) (int, error) { return m.FS.FindServer(q) }

// OOMCounter implements Machine.
func (m LocalMachine) OOMCounter(pid int) (func() (uint64, error), error) {
	return m.Limits.OOMCounter(pid)
}

// Open implements Machine.
func (m LocalMachine) Open(pid int) (Process, error) {
	p, err := m.FS.Open(pid)
	if err != nil {
		return nil, err
	}
	return localProcess{p, m}, nil
}

// localProcess is a process of a LocalMachine.
type localProcess struct {
	*proc.Process
	machine LocalMachine
}

// Pages implements child.Process.
func (p localProcess) Pages() (child.Pages, error) {
	pages, err := p.Process.Pages()
	if err != nil {
		return nil, err // not pages: a nil *proc.Pages in a Pages is not nil
	}
	return pages, nil
}

// Committed implements Process.
func (p localProcess) Committed() (limits.Committed, error) { return limits.ReadCommitted(p.Process) }

// WatchChildren implements Process.
func (p localProcess) WatchChildren(notify func([]int)) (func(), error) {
	return p.machine.Poller.Watch(p.machine.FS, p.Process, notify)
}

// ReadLimits implements Machine.
func (m LocalMachine) ReadLimits(pid int, virtual uint64) limits.Limits {
	return m.Limits.Read(pid, virtual)
}
