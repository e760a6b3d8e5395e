package watch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

// followed is the child of an open record.
type followed struct {
	process *process // of the server, at the birth
	child   Process
	reaped  bool
	stop    context.CancelFunc
}

// children is the list of a process's children.
type children struct {
	of      *process
	pids    []int
	seen    time.Time
	partial bool // they were there before the process was found
}

func (c children) happen(ctx context.Context, w *Watcher) {
	if w.process != c.of {
		return // from a process that is not the server any more
	}
	for pid := range w.listed {
		if !slices.Contains(c.pids, pid) {
			delete(w.listed, pid)
		}
	}
	for _, pid := range c.pids {
		if _, known := w.listed[pid]; !known {
			w.listed[pid] = w.birth(ctx, c, pid)
		}
	}
}

// birth follows a new child, if it is a fork of the server: a server that is PID 1 of a
// container inherits orphans, and modules run helpers. It returns the fork's ID, or "".
func (w *Watcher) birth(ctx context.Context, c children, pid int) string {
	p := c.of
	process, err := w.opts.Machine.Open(pid)
	if err != nil {
		if !errors.Is(err, proc.ErrGone) {
			w.countProcessError(ctx, err)
		}
		return ""
	}
	for id, f := range w.forks {
		if f.child.ID() == process.ID() { // the server has become another in the same process
			process.Close()
			return id
		}
	}
	if !isCopy(p.Process, process) {
		process.Close()
		w.log.Debug("A child of the server is no fork", "child", pid)
		return ""
	}
	stat, _ := process.Stat()
	start, err := process.BirthTime()
	if err != nil || start.After(c.seen) {
		start = c.seen
	}
	id := fork.ID(start, pid)
	following, stop := context.WithCancel(ctx)
	alone := w.alone()
	f := &followed{process: p, child: process, stop: stop}
	w.forks[id] = f
	p.endTail() // of the fork before
	tail, endTail := context.WithCancel(ctx)
	p.endTail = endTail
	oom, err := w.opts.Machine.OOMCounter(p.ID().PID)
	if err != nil {
		w.log.Debug("An OOM kill of this child would look like any other kill", "err", err)
	}
	follower := child.New(child.Options{
		Child: process, Command: stat.Name(), Birth: start, Partial: c.partial, Alone: alone,
		Server: p.counters, Idle: p.idle.Take(start), Experience: p.experience,
		Sampling: w.opts.Sampling, Interval: w.opts.SampleInterval, Budget: w.opts.Budget, CPUTime: w.opts.CPUTime,
		CPUs: w.opts.Machine.CPUs(), MayHaveHugePages: w.opts.Machine.MayHaveHugePages(p.ID().PID), DelaysOff: w.opts.Machine.DelaysOff,
		OOMKills: oom,
		Report:   func(e child.Event) { w.post(reported{id, f, e}) },
	})
	w.apply(ctx, track.Born{PID: pid, Start: start, Seen: c.seen, Partial: c.partial})
	w.followers.Go(func() { follower.Follow(following, tail) })
	return id
}

// reported is an event of a child, as its follower posts it.
type reported struct {
	id    string
	fork  *followed
	event child.Event
}

func (r reported) happen(ctx context.Context, w *Watcher) {
	switch e := r.event.(type) {
	case child.Titled:
		w.apply(ctx, track.Titled{ID: r.id, Kind: e.Kind})
	case child.OtherProgram:
		w.apply(ctx, track.NotAFork{ID: r.id, Why: "the child runs another program"})
	case child.Point:
		w.apply(ctx, track.Point{ID: r.id, Readings: e.Readings})
	case child.EstimateExpected:
		w.apply(ctx, track.EstimateExpected{})
	case child.Estimated:
		w.apply(ctx, track.Estimated{ID: r.id, Seconds: e.Seconds})
	case child.DelaysStopped:
		if r.fork.process == w.process { // an earlier one's say nothing of the present one's
			w.noDelays(ctx, w.process, e.Err)
		}
	case child.Learned:
		r.fork.process.experience = r.fork.process.experience.With(e.Experience)
	case child.Died:
		w.apply(ctx, track.Died{ID: r.id, At: e.At})
	case child.Ended:
		r.fork.reaped = true
		w.apply(ctx, track.Reaped{ID: r.id, At: e.Reaped, Exit: e.Status, OOMKilled: e.OOMKilled, CPU: e.CPU, Written: e.Written})
	case child.TailFaults:
		w.apply(ctx, track.TailFaults{N: e.N})
	case child.Tailed:
		w.apply(ctx, track.Tailed{ID: r.id, Tail: e.Tail})
	}
}

// living returns how many children the server has not reaped yet, as far as is known.
func (w *Watcher) living() (n int) {
	for _, f := range w.forks {
		if !f.reaped {
			n++
		}
	}
	return n
}

// alone reports whether no child has memory of the server's now. Of a child that has
// just died the loop may not have heard yet.
func (w *Watcher) alone() bool {
	for _, f := range w.forks {
		if f.reaped {
			continue
		}
		if stat, err := f.child.Stat(); err == nil && stat.VirtualBytes > 0 {
			return false
		}
	}
	return true
}

// release lets go of a child whose record is closed or dropped.
func (w *Watcher) release(id string) {
	f := w.forks[id]
	delete(w.forks, id)
	f.stop()
	f.child.Close()
	if pid := f.child.ID().PID; w.listed[pid] == id {
		w.listed[pid] = ""
	}
}

// isCopy reports whether a child is a copy of the server: its child, of one of its
// threads' names and, while it has memory, of its size. A helper that was started shares the
// name and the size for an instant only: the follower looks again.
func isCopy(server, child Process) bool {
	s, err := server.Stat()
	if err != nil {
		return false
	}
	c, err := child.Stat()
	if err != nil {
		return false
	}
	if c.PPID != s.PID || c.Start < s.Start || !hasThread(server, s, c.Name()) || otherProgram(server, child) {
		return false
	}
	ending := c.VirtualBytes == 0 // a zombie, or about to be one: its memory is gone already
	return ending || c.VirtualBytes > s.VirtualBytes/5*4 && c.VirtualBytes < s.VirtualBytes/4*5
}

// hasThread reports whether server, whose stat is given, has a thread of that name: a child
// has the name of the thread that forked it, which need not be the main one.
func hasThread(server Process, stat proc.Stat, name string) bool {
	if name == stat.Name() {
		return true
	}
	names, err := server.ThreadNames()
	return err == nil && slices.Contains(names, name)
}

// otherProgram reports whether a and b are known to run different programs.
func otherProgram(a, b Process) bool {
	pathA, errA := a.Executable()
	pathB, errB := b.Executable()
	return errA == nil && errB == nil && pathA != pathB
}
