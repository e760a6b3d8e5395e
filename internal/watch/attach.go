package watch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// process is the server's process: proved, held and watched.
type process struct {
	Process
	stop func() // ends the watch over its children
	free func() // lets another server have it

	counters   child.Counters
	idle       child.Idle       // readings of the counters without a child
	experience child.Experience // of its children
	delays     delays
	limits     limitsRead
	endTail    context.CancelFunc // ends the tail of the last fork
}

func (p *process) close() {
	p.endTail()
	p.stop()
	if p.counters.Cgroup != nil {
		p.counters.Cgroup.Close()
	}
	p.Close()
	p.free()
}

// find looks for the server's process.
func (w *Watcher) find(ctx context.Context) {
	if err := w.attach(ctx, query(w.answer)); err != nil {
		w.apply(ctx, track.NotFound{Problem: err.Error()})
	}
	w.apply(ctx, track.Searched{})
}

// query returns what INFO and the connection say about the server's process.
func query(a answer) proc.Query {
	q := proc.Query{
		Local: a.peer.Local, Remote: a.peer.Remote, Listener: a.peer.PID,
		ProcessID:  a.info.ProcessID.Or(0),
		TCPPort:    a.info.TCPPort.Or(0),
		Executable: a.info.Executable,
	}
	if s, ok := a.info.UptimeSeconds.Get(); ok {
		q.Uptime = opt.Of(time.Duration(s) * time.Second)
	}
	return q
}

// attach proves which process is the server, and watches its children.
func (w *Watcher) attach(ctx context.Context, q proc.Query) error {
	pid, err := w.opts.Machine.FindServer(q)
	if err != nil {
		w.countProcessError(ctx, err)
		return err
	}
	p, err := w.opts.Machine.Open(pid)
	if err != nil {
		w.countProcessError(ctx, err)
		return err
	}
	owner, freed := w.opts.Processes.Claim(p.ID(), w.opts.Name)
	if freed != nil {
		p.Close()
		w.freed = freed
		return errors.New(words.Taken(pid, owner))
	}
	start := opt.Val[time.Time]{}
	if born, err := p.BirthTime(); err == nil {
		start = opt.Of(born)
	}
	mine := &process{Process: p, stop: func() {}, endTail: func() {}, free: func() { w.opts.Processes.Release(p.ID(), w.opts.Name) }}
	w.openCounters(ctx, mine)
	var there *children // when the watch began
	stop, err := p.WatchChildren(func(pids []int) {
		now := children{of: mine, pids: slices.Clone(pids), seen: time.Now()}
		if there == nil {
			now.partial, there = true, &now
			return // still inside attach, in the loop
		}
		select {
		case w.events <- now:
		default: // the poller must not wait; forks that are lost here are counted by the ledger
			w.log.Error("The watcher is too slow, a change of children was lost")
		}
	})
	if err != nil {
		mine.close()
		w.countProcessError(ctx, err)
		return err
	}
	mine.stop = stop
	w.process = mine
	w.apply(ctx, w.found(p, start))
	there.happen(ctx, w)
	w.readMemory(ctx)
	w.log.Info("Found the server's process", "pid", pid)
	return nil
}

func (w *Watcher) countProcessError(ctx context.Context, err error) {
	reason := fork.ReasonFailed
	var missing *proc.NotFound
	switch {
	case errors.Is(err, proc.ErrDenied):
		reason = fork.ReasonDenied
	case errors.As(err, &missing):
		return // not here: that is a state, not a failed read
	}
	w.apply(ctx, track.ReadFailed{ReadError: track.ReadError{Source: fork.SourceProcess, Reason: reason}})
}

// found finds out, before there is a child, whether children's smaps will
// be readable: the kernel asks the same right for a field of the server's stat.
func (w *Watcher) found(p Process, start opt.Val[time.Time]) track.Found {
	out := track.Found{PID: p.ID().PID, Start: start}
	if !w.opts.Sampling {
		return out // nobody asks for more
	}
	stat, err := p.Stat()
	out.Smaps = err == nil && stat.Permitted()
	out.Pages = out.Smaps && p.MayReadPages()
	switch {
	case !out.Smaps:
		out.Problem = "the memory of the server's children can't be read: " + words.ReadSmaps(words.TheExporter)
		w.log.Warn("The memory of the server's children can't be read", "remedy", words.ReadSmaps(words.TheExporter))
	case !out.Pages:
		w.log.Info("The pages of the server's children can't be read: where memory is given back their curves may have gaps", "remedy", words.ReadPages(words.TheExporter))
	}
	return out
}

// detach lets go of the process that was the server.
func (w *Watcher) detach() {
	w.process.close()
	w.process = nil
	clear(w.listed)
}

func (w *Watcher) serverExited(ctx context.Context) {
	w.log.Warn("The server's process has ended", "pid", w.process.ID().PID)
	w.apply(ctx, track.Exited{At: w.process.ExitTime()})
}

// readMemory reads the size of what the next fork will share.
func (w *Watcher) readMemory(ctx context.Context) {
	if w.process == nil {
		return
	}
	s, err := w.process.Status()
	switch {
	case err == nil:
		w.apply(ctx, track.Memory{Resident: s.VMRSS, PageTables: s.VMPTE, Anonymous: s.RSSAnon, Huge: w.hugePages()})
		w.readLimits(ctx)
		w.readIdle(ctx)
	case errors.Is(err, proc.ErrGone): // its exit comes as an event
	default:
		w.countProcessError(ctx, err)
	}
}

// hugePages returns how much of the server's memory is huge pages: its own cgroup tells
// while no child is in it.
func (w *Watcher) hugePages() opt.Val[uint64] {
	if w.living() > 0 {
		return opt.Val[uint64]{}
	}
	return w.process.counters.HugeBytes()
}

// readIdle notes the counters while there is no child.
func (w *Watcher) readIdle(ctx context.Context) {
	p := w.process
	if !w.opts.Sampling || w.living() > 0 {
		return
	}
	w.checkDelays(ctx, p)
	r, err := p.counters.Read(nil)
	if err != nil {
		return
	}
	if p.counters.Delays != nil && !r.HasDelays() {
		w.openDelays(ctx, p) // no answer: why?
	}
	w.apply(ctx, track.SourceChanged{Source: fork.SourceCgroup, OK: r.HasCgroup()})
	p.idle.Add(r)
}
