package watch

import (
	"context"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

const (
	// A child sets its title a moment after its birth: look again this often,
	// this many times, and then with each sample.
	titleEvery = 10 * time.Millisecond
	titleTries = 20
	idleLook   = time.Second // without sampling

	// reapWait bounds the wait for the server to reap its child. It does so in
	// its cron, up to 1/hz seconds later, and not while a command runs.
	reapWait = 5 * time.Second
)

// follower samples one living child, waits for its death, and counts the tail
// after it. It runs in a goroutine of its own and touches nothing of the
// Watcher's state: it writes what it measures to the history and reports the
// rest to the loop.
type follower struct {
	w       *Watcher
	id      string
	child   Process
	process *process
	comm    string
	oom     oomWatch
	sampler *sampler // nil: no sampling
}

// follow returns when the child is dead and reaped and its tail has ended, or
// ctx ends.
func (f *follower) follow(ctx, tail context.Context) {
	var (
		titled bool
		tries  int
		timer  = time.NewTimer(0)
	)
	defer timer.Stop()
	if f.sampler != nil {
		defer f.sampler.close()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.child.Exited():
			f.died(ctx, tail)
			return
		case <-timer.C:
		}
		if !titled {
			titled = f.look()
			tries++
		}
		wait := idleLook
		if f.sampler != nil {
			wait = f.sampler.next(time.Now())
		}
		if !titled && tries < titleTries {
			wait = min(wait, titleEvery)
		}
		timer.Reset(wait)
	}
}

// look reads the child's title and tells whether that settled its kind. A child
// that has become another program was never a fork of the server's data.
func (f *follower) look() bool {
	stat, err := f.child.Stat()
	if err == nil && stat.Name() != f.comm {
		f.w.post(func() { f.w.reject(f.id, "the child runs another program") })
		return true
	}
	title, err := f.child.Title()
	if err != nil {
		return false
	}
	kind := kindOfTitle(title)
	if kind == fork.KindUnknown {
		return false
	}
	f.w.post(func() { f.w.titled(f.id, kind) })
	return true
}

// died finds out how the child ended, and reports it when the server has reaped
// it: only then does INFO speak of the same end.
func (f *follower) died(ctx, tail context.Context) {
	d := death{at: f.child.ExitTime()}
	var end reading
	measured := false
	if f.sampler != nil {
		end, measured = f.sampler.last()
		f.sampler.close()
	}
	f.w.opts.Server.Died(f.id, d.at)
	cpu, written := f.usage()
	status, known := f.child.ExitStatus()
	timeout := time.NewTimer(reapWait)
	defer timeout.Stop()
	select {
	case <-ctx.Done():
		return
	case <-f.child.Reaped():
	case <-timeout.C:
	}
	d.reaped = time.Now()
	if !known {
		status, known = f.child.ExitStatus()
	}
	if known {
		d.status = opt.Of(status)
		d.oomKilled = status.Signaled() && status.Signal() == syscall.SIGKILL && f.oom.rose()
	}
	f.w.post(func() { f.w.ended(f.id, d, cpu, written) })
	if measured {
		f.sampler.tail(tail, end)
	}
}

// oomWatch tells whether a counter of OOM kills grew. The zero value can't.
type oomWatch struct {
	read   func() (uint64, error)
	before uint64
}

func newOOMWatch(m Machine, pid int) (oomWatch, error) {
	read, err := m.OOMCounter(pid)
	if err != nil {
		return oomWatch{}, err
	}
	before, err := read()
	if err != nil {
		return oomWatch{}, err
	}
	return oomWatch{read, before}, nil
}

func (o oomWatch) rose() bool {
	if o.read == nil {
		return false
	}
	now, err := o.read()
	return err == nil && now > o.before
}

// usage reads what the child consumed in its life; best from the zombie.
func (f *follower) usage() (cpu opt.Val[float64], written opt.Val[uint64]) {
	if s, err := f.child.Stat(); err == nil {
		cpu = opt.Of(float64(s.UserTicks+s.SystemTicks) / proc.TicksPerSecond)
	}
	if n, err := f.child.WrittenBytes(); err == nil {
		written = opt.Of(n)
	}
	return cpu, written
}
