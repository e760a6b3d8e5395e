package watch

import (
	"context"
	"errors"
	"runtime"
	"syscall"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

const (
	// A child sets its title a moment after its birth: look again this often,
	// this many times, and then with each sample.
	titleEvery = 10 * time.Millisecond
	titleTries = 20

	// reapWait bounds the wait for the server to reap its child. It does so in
	// its cron, up to 1/hz seconds later, and not while a command runs.
	reapWait = 5 * time.Second
)

// follower samples one living child and waits for its death. It runs in a
// goroutine of its own and touches nothing of the Watcher's state: it writes
// samples to the history and reports the rest to the loop.
type follower struct {
	w       *Watcher
	id      string
	child   Process
	server  Process
	comm    string
	oomKill opt.Val[uint64] // oom_kill counter at birth
	blind   bool            // smaps can't be read: said once, not tried again
}

// follow returns when the child is dead and reaped, or ctx ends.
func (f *follower) follow(ctx context.Context) {
	var (
		nextSample time.Time // zero: at once
		titled     bool
		tries      int
		timer      = time.NewTimer(0)
	)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.child.Exited():
			f.died(ctx)
			return
		case <-timer.C:
		}
		if !titled {
			titled = f.look()
			tries++
		}
		now := time.Now()
		if !now.Before(nextSample) {
			f.sample()
			nextSample = now.Add(f.w.opts.SampleInterval)
		}
		wait := time.Until(nextSample)
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
	if kind == history.KindUnknown {
		return false
	}
	f.w.post(func() { f.w.titled(f.id, kind) })
	return true
}

// sample reads the child's memory once, if the budget allows.
func (f *follower) sample() {
	const source = history.SourceChildSmaps
	if f.blind || !f.w.opts.Sampling {
		return
	}
	if !f.w.opts.Budget.Allow() {
		f.w.opts.Server.CountDeferred(source)
		return
	}
	smaps, cost, err := f.timedSmaps()
	f.w.opts.Budget.Spend(cost)
	f.w.opts.Server.CountSampler(source, cost)
	if isClosed(f.child.Exited()) {
		return // the kernel may have been taking the memory apart during the read
	}
	switch {
	case err == nil:
		f.w.opts.Server.AddSample(f.id, history.Sample{
			Time:          time.Now(),
			Source:        source,
			PrivateDirty:  smaps.PrivateDirty,
			Swap:          smaps.Swap,
			AnonymousHuge: smaps.AnonHugePages,
		})
	case errors.Is(err, proc.ErrGone):
	case errors.Is(err, proc.ErrDenied):
		f.blind = true
		f.w.opts.Server.CountReadError(history.ReadError{Source: source, Reason: "denied"})
		f.w.opts.Server.SetAvailable(source, false)
		f.w.log.Warn("The child's smaps can't be read", "err", err, "remedy", remedySmaps)
	default:
		f.w.opts.Server.CountReadError(history.ReadError{Source: source, Reason: "failed"})
		f.w.log.Debug("Reading the child's smaps failed", "err", err)
	}
}

// timedSmaps reads smaps and tells what CPU time that took.
func (f *follower) timedSmaps() (proc.Smaps, time.Duration, error) {
	runtime.LockOSThread() // the clock is this thread's
	defer runtime.UnlockOSThread()
	before := f.w.opts.CPUTime()
	smaps, err := f.child.Smaps()
	return smaps, f.w.opts.CPUTime() - before, err
}

// died finds out how the child ended, and reports it when the server has reaped
// it: only then does INFO speak of the same end.
func (f *follower) died(ctx context.Context) {
	d := death{at: time.Now()}
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
		d.oomKilled = status.Signaled() && status.Signal() == syscall.SIGKILL && f.oomRose()
	}
	f.w.post(func() { f.w.ended(f.id, d, cpu, written) })
}

// oomRose tells whether a counter of OOM kills around the server grew during
// the child's life.
func (f *follower) oomRose() bool {
	before, ok := f.oomKill.Get()
	if !ok {
		return false
	}
	now, err := f.w.opts.Machine.OOMKills(f.server.ID().PID)
	return err == nil && now > before
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
