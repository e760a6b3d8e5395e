package watch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// findProcess looks for the server's process where there is none, now and then.
func (w *Watcher) findProcess(ctx context.Context, r reply) {
	if w.process != nil || r.at.Before(w.findAt) {
		return
	}
	err := w.attach(ctx, query(r))
	unseen := w.countedUnseen
	w.countedUnseen = 0
	if err == nil {
		for _, f := range w.forks { // alive already, and followed from here on
			if f.process == w.process && unseen > 0 {
				unseen--
			}
		}
		w.noProc, w.findWait = "", 0
	} else {
		w.opts.Server.SetNoProcess(err.Error())
		// A search walks through /proc: search less and less often for what is
		// not found.
		w.findWait = min(max(2*w.findWait, findEvery), findAtMost)
		w.findAt = r.at.Add(w.findWait)
		if w.noProc != err.Error() {
			w.noProc = err.Error()
			w.log.Warn("The server's process is not known, only INFO is", "why", err)
		}
	}
	w.opts.Server.CountUnobserved(unseen, unseen)
}

// query is what INFO and the connection say about the server's process.
func query(r reply) proc.Query {
	q := proc.Query{
		Peer:       proc.Peer{Local: r.peer.Local, Remote: r.peer.Remote, PID: r.peer.PID},
		ProcessID:  r.info.ProcessID.Or(0),
		TCPPort:    r.info.TCPPort.Or(0),
		Executable: r.info.Executable,
	}
	if s, ok := r.info.UptimeSeconds.Get(); ok {
		q.Uptime = opt.Of(time.Duration(s) * time.Second)
	}
	return q
}

// attach proves which process is the server, and watches its children.
func (w *Watcher) attach(ctx context.Context, q proc.Query) error {
	pid, err := w.opts.Machine.FindServer(q)
	if err != nil {
		w.countProcessError(err)
		return err
	}
	p, err := w.opts.Machine.Open(pid)
	if err != nil {
		w.countProcessError(err)
		return err
	}
	owner, freed := w.opts.Processes.Claim(p.ID(), w.opts.Name)
	if freed != nil {
		p.Close()
		w.freed = freed
		return errors.New(words.Taken(pid, owner))
	}
	w.detach("another process is the server now")
	born, err := p.BirthTime()
	start := opt.Of(born)
	if err != nil {
		start = opt.Val[time.Time]{}
	}
	mine := &process{Process: p, stop: func() {}, endTail: func() {}, free: func() { w.opts.Processes.Release(p.ID(), w.opts.Name) }}
	w.openCounters(mine)
	first := true
	stop, err := p.WatchChildren(func(pids []int) {
		seen, partial, pids := time.Now(), first, slices.Clone(pids)
		first = false
		event := func() { w.children(ctx, mine, pids, seen, partial) }
		if partial {
			event() // still inside attach, in the loop
			return
		}
		select {
		case w.events <- event:
		default: // the poller must not wait; forks that are lost here are counted by the ledger
			w.log.Error("The watcher is too slow, a change of children was lost")
		}
	})
	if err != nil {
		mine.close()
		w.countProcessError(err)
		return err
	}
	mine.stop = stop
	w.process = mine
	// What the server has counted so far was before this look at its children:
	// the next reply is the one to count from. Forks it has counted just now may
	// be among the children that were found alive.
	waiting := w.ledger.close()
	for _, f := range w.forks {
		if f.process == mine && waiting.unobservedChildren > 0 {
			waiting.unobservedChildren--
		}
	}
	w.settle(waiting)
	w.ledger.total = opt.Val[uint64]{}
	w.wish()
	w.opts.Server.SetProcess(pid, start)
	w.checkRights(p)
	w.readMemory()
	w.log.Info("Found the server's process", "pid", pid)
	return nil
}

func (w *Watcher) countProcessError(err error) {
	reason := "failed"
	var missing *proc.NotFound
	switch {
	case errors.Is(err, proc.ErrDenied):
		reason = "denied"
	case errors.As(err, &missing):
		return // not here: that is a state, not a failed read
	}
	w.opts.Server.CountReadError(history.ReadError{Source: fork.SourceProcess, Reason: reason})
}

// checkRights finds out, before there is a child, whether children's smaps will
// be readable: the kernel asks the same right for a field of the server's stat.
func (w *Watcher) checkRights(p Process) {
	stat, err := p.Stat()
	smaps := err == nil && stat.Permitted() && w.opts.Sampling
	pages := smaps && p.MayReadPages()
	w.opts.Server.SetAvailable(fork.SourceChildSmaps, smaps)
	w.opts.Server.SetAvailable(fork.SourcePagemap, pages)
	switch {
	case !w.opts.Sampling: // nobody asked for it
	case !smaps:
		w.opts.Server.SetProcessProblem("the memory of the server's children can't be read: " + words.ReadSmaps(words.TheExporter))
		w.log.Warn("The memory of the server's children can't be read", "remedy", words.ReadSmaps(words.TheExporter))
	case !pages:
		w.log.Info("The pages of the server's children can't be read: where memory is given back their curves may have gaps", "remedy", words.ReadPages(words.TheExporter))
	}
}

// detach lets go of the process that was the server.
func (w *Watcher) detach(why string) {
	if w.process == nil {
		return
	}
	if isClosed(w.process.Exited()) {
		w.process.died = opt.Of(w.process.ExitTime())
	}
	w.process.gone = true
	w.process.close()
	w.process = nil
	clear(w.listed)
	w.opts.Server.SetNoProcess(why)
}

// serverExited notes the death of the server's process. Its children are
// followed to their ends.
func (w *Watcher) serverExited() {
	w.log.Warn("The server's process has ended", "pid", w.process.ID().PID)
	w.settle(w.ledger.close())
	w.detach("the server's process has ended")
	w.findAt = time.Time{}
	w.wish()
}

// readMemory reads the size of what the next fork will share.
func (w *Watcher) readMemory() {
	if w.process == nil {
		return
	}
	s, err := w.process.Status()
	switch {
	case err == nil:
		w.opts.Server.SetMemory(s.VMRSS, s.VMPTE)
		w.readRoom(s)
		w.readIdle()
	case errors.Is(err, proc.ErrGone): // its exit comes as an event
	default:
		w.countProcessError(err)
	}
}

// children takes the list of the server's children.
func (w *Watcher) children(ctx context.Context, p *process, pids []int, seen time.Time, partial bool) {
	if !partial && w.process != p {
		return // from a process that is not the server any more
	}
	for pid := range w.listed {
		if !slices.Contains(pids, pid) {
			delete(w.listed, pid)
		}
	}
	for _, pid := range pids {
		if _, known := w.listed[pid]; !known {
			w.listed[pid] = w.birth(ctx, p, pid, seen, partial)
		}
	}
}

// birth opens the record of a new child, if it is a fork of the server: a
// server that is PID 1 of a container inherits orphans, and modules run
// helpers. It returns the record's ID, or "".
func (w *Watcher) birth(ctx context.Context, p *process, pid int, seen time.Time, partial bool) string {
	process, err := w.opts.Machine.Open(pid)
	if err != nil {
		if !errors.Is(err, proc.ErrGone) {
			w.countProcessError(err)
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
	if err != nil || start.After(seen) {
		start = seen
	}
	info := before(start, w.last, w.prior)
	state := w.opts.Server.State()
	id := fork.ID(start, pid)
	w.opts.Server.Begin(fork.Record{
		ID: id, Server: w.opts.Name, Kind: fork.KindUnknown, Partial: partial, Start: start,
		ServerPID: p.ID().PID, ChildPID: pid,
		ResidentBytes: state.ResidentBytes, PageTableBytes: state.PageTableBytes,
		ChangesBefore: changes(info),
	}, seen)
	following, stop := context.WithCancel(ctx)
	f := &openFork{
		id: id, process: p, child: process, partial: partial, born: start, seen: seen,
		titled: fork.KindUnknown, before: info, stop: stop,
	}
	alone := w.alone()
	w.forks[id] = f
	if !partial {
		w.ledger.birth(id, start, seen)
	}
	p.endTail() // of the fork before
	tail, endTail := context.WithCancel(ctx)
	p.endTail = endTail
	oom, err := w.opts.Machine.OOMCounter(p.ID().PID)
	if err != nil {
		w.log.Debug("An OOM kill of this child would look like any other kill", "err", err)
	}
	follower := child.New(child.Options{
		Child: process, Command: stat.Name(), Birth: start, Partial: partial, Alone: alone,
		Server: p.counters, Idle: p.idle.Take(start), Experience: p.experience,
		Sampling: w.opts.Sampling, Interval: w.opts.SampleInterval, Budget: w.opts.Budget, CPUTime: w.opts.CPUTime,
		CPUs: w.opts.Machine.CPUs(), MayHaveHugePages: w.opts.Machine.MayHaveHugePages(p.ID().PID), DelaysOff: w.opts.Machine.AccountingOff,
		OOMKills: oom,
		Report:   func(e child.Event) { w.report(f, e) },
	})
	w.followers.Go(func() { follower.Follow(following, tail) })
	w.wish()
	return id
}

func changes(before opt.Val[redisinfo.Info]) opt.Val[uint64] {
	info, _ := before.Get()
	return info.ChangesSinceLastSave
}

// isCopy tells whether a child is a copy of the server: its child, of one of its
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

// hasThread tells whether a server has a thread of that name: a child has the
// name of the thread that forked it, which need not be the main one.
func hasThread(server Process, stat proc.Stat, name string) bool {
	if name == stat.Name() {
		return true
	}
	names, err := server.ThreadNames()
	return err == nil && slices.Contains(names, name)
}

// otherProgram tells whether two processes are known to run different programs.
func otherProgram(a, b Process) bool {
	pathA, errA := a.Executable()
	pathB, errB := b.Executable()
	return errA == nil && errB == nil && pathA != pathB
}
