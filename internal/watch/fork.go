package watch

import (
	"context"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
)

// fork is an open record as the loop sees it.
type openFork struct {
	id        string
	process   *process
	child     Process
	partial   bool
	born      time.Time
	seen      time.Time
	titled    fork.Kind
	before    opt.Val[redisinfo.Info] // last reply before the birth
	after     opt.Val[redisinfo.Info] // first reply to an INFO sent after it was seen
	uncounted bool                    // the server does not count it, but it is a copy of it all the same
	settled   bool                    // the duration is known, or known to be lost
	end       opt.Val[death]
	final     opt.Val[redisinfo.Info] // first reply to an INFO sent after the server reaped the child
	alone     bool                    // no other fork had ended when final was sent: its figures are this fork's
	stop      context.CancelFunc
}

// learn takes from a reply what it says of an open fork.
func (w *Watcher) learn(f *openFork, r reply) {
	if !r.sent.Before(f.seen) && !f.after.Present() {
		f.after = opt.Of(r.info)
		w.setKind(f)
	}
	end, ended := f.end.Get()
	switch {
	case !ended:
		w.takeReported(f, r)
	case !r.sent.Before(end.reaped) && !f.final.Present():
		f.final, f.alone = opt.Of(r.info), w.lastEnded() == f
	}
}

// lastEnded is the fork that ended last, of those whose records are open.
func (w *Watcher) lastEnded() *openFork {
	var last *openFork
	var at time.Time
	for _, f := range w.forks {
		if end, ok := f.end.Get(); ok && end.at.After(at) {
			last, at = f, end.at
		}
	}
	return last
}

func (w *Watcher) setKind(f *openFork) {
	kind := resolveKind(f.titled, f.before, f.after)
	w.opts.Server.Update(f.id, func(r *fork.Record) { r.Kind = kind })
}

// titled takes a kind that a child's title gave.
func (w *Watcher) titled(id string, kind fork.Kind) {
	if f := w.forks[id]; f != nil {
		f.titled = kind
		w.setKind(f)
	}
}

// takeReported notes the server's own figure about its running child. It is
// some child's, so it is believed only while there is just one.
func (w *Watcher) takeReported(f *openFork, r reply) {
	bytes := r.info.CurrentCOWBytes.Or(0)
	if bytes == 0 || w.living() != 1 || isClosed(f.child.Exited()) {
		return
	}
	// The age is in whole seconds, rounded down.
	latest := r.at.Add(-time.Duration(r.info.CurrentCOWAgeSeconds.Or(0)) * time.Second)
	measured := latest.Add(-500 * time.Millisecond)
	if earliest := latest.Add(-time.Second); !earliest.After(f.born) {
		// A child's first figure is from its very start (its next comes a second
		// later at the earliest), and the server takes it in up to a second later.
		measured = f.born
	}
	if latest.Before(f.born) {
		return // an earlier child's
	}
	w.opts.Server.AddReported(f.id, fork.Reported{Seconds: measured.Sub(f.born).Seconds(), COWBytes: bytes})
}

func (w *Watcher) living() (n int) {
	for _, f := range w.forks {
		if !f.end.Present() {
			n++
		}
	}
	return n
}

// alone tells whether no child has memory of the server's now. Of a child that has
// just died the loop may not have heard yet.
func (w *Watcher) alone() bool {
	for _, f := range w.forks {
		if f.end.Present() {
			continue
		}
		if stat, err := f.child.Stat(); err == nil && stat.VirtualBytes > 0 {
			return false
		}
	}
	return true
}

// ended takes the end of a child, once it is reaped.
func (w *Watcher) ended(id string, d death, cpu opt.Val[float64], written opt.Val[uint64]) {
	f := w.forks[id]
	if f == nil {
		return
	}
	f.end = opt.Of(d)
	w.opts.Server.Update(id, func(r *fork.Record) { r.CPUSeconds, r.WrittenBytes = cpu, written })
	w.wish()
	w.expire(time.Now())
}

// expire closes the records that are complete, or have waited long enough.
func (w *Watcher) expire(now time.Time) {
	var s settlement
	w.ledger.expire(now, &s)
	w.settle(s)
	for id, f := range w.forks {
		end, ended := f.end.Get()
		if !ended {
			continue
		}
		gone := f.process.gone
		complete := (f.final.Present() || gone) && (f.settled || gone || f.partial)
		if complete || now.Sub(end.at) >= closeAfter {
			w.close(id, f, end)
		}
	}
}

// close closes a fork's record and tells it in one line.
func (w *Watcher) close(id string, f *openFork, end death) {
	end.serverDied = f.process.died
	w.opts.Server.Update(id, func(r *fork.Record) {
		end.record(r)
		final, asked := f.final.Get()
		if !asked {
			return
		}
		if r.Outcome == fork.OutcomeUnknown {
			r.Outcome = outcomeOfInfo(r.Kind, r.Start, f.before, final)
		}
		if f.alone && r.Outcome == fork.OutcomeOK {
			r.ReportedCOWBytes = finalCOW(r.Kind, final)
		}
	})
	record, _ := w.opts.Server.Close(id)
	if f.uncounted {
		w.opts.Server.CountUnobserved(0, 1) // so that the accounts of children and durations stay equal
	}
	w.forget(id, f)
	logFork(w.log, record)
}

// reject drops a child that turned out to be no fork of the server.
func (w *Watcher) reject(id, why string) {
	f := w.forks[id]
	if f == nil {
		return
	}
	w.log.Debug("A child of the server is no fork", "child", f.child.ID().PID, "why", why)
	w.ledger.forget(id)
	w.opts.Server.Drop(id)
	w.forget(id, f)
	if pid := f.child.ID().PID; w.listed[pid] == id {
		w.listed[pid] = ""
	}
}

// forget releases what an open record held.
func (w *Watcher) forget(id string, f *openFork) {
	delete(w.forks, id)
	f.stop()
	f.child.Close()
}
