package watch

import (
	"errors"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

const (
	// roomEvery is how often the room is read while no child lives; while one does
	// it is read with the rest, once a second.
	roomEvery = 10 * time.Second
	// accountedEvery is how often the server's smaps may be read to learn what of it
	// is accounted, if ever.
	accountedEvery = time.Hour
)

// room is what a watcher keeps about the room of a process.
type room struct {
	at     time.Time
	living int // children then
	// accounted is what smaps said of the server when it had so much address space.
	accounted   opt.Val[limits.Committed]
	virtual     uint64
	accountedAt time.Time // not to be read again before
	reading     bool
}

// readRoom reads what a fork would find: how much of the server writes can make it
// copy, and what the machine leaves for that.
func (w *Watcher) readRoom(s proc.Status) {
	now := time.Now()
	w.opts.Server.SetAnonymous(s.RSSAnon, w.hugePages(), now)
	p, living := w.process, w.living()
	if living == 0 && p.room.living == 0 && now.Sub(p.room.at) < roomEvery {
		return
	}
	p.room.at, p.room.living = now, living
	stat, err := p.Stat()
	if err != nil {
		return
	}
	r := w.opts.Machine.ReadLimits(p.ID().PID, stat.VirtualBytes)
	r.Committed = p.room.of(r, stat.VirtualBytes)
	w.opts.Server.SetLimits(r)
	if a, ok := r.Committed.Get(); ok && a.AtMost && !r.Passes(a) && living == 0 && w.opts.Sampling {
		w.readAccounted(p, stat.VirtualBytes)
	}
}

// hugePages is how much of the server's memory is huge pages: its own cgroup tells
// while no child is in it.
func (w *Watcher) hugePages() opt.Val[uint64] {
	if w.living() > 0 {
		return opt.Val[uint64]{}
	}
	return w.process.counters.HugeBytes()
}

// of is what of the server is accounted now, if that makes a difference to a fork.
// Without smaps nothing is known but that it is less than its address space.
func (r *room) of(l limits.Limits, virtual uint64) opt.Val[limits.Committed] {
	if !l.Commit.Present() && !l.Mapping.Present() {
		return opt.Val[limits.Committed]{}
	}
	a, ok := r.accounted.Get()
	if !ok {
		return opt.Of(limits.Committed{Bytes: virtual, Largest: virtual, AtMost: true})
	}
	out := a
	if heap := a.Bytes > r.virtual/2; heap && virtual > r.virtual {
		// What the heap has grown by since is accounted too, perhaps in one mapping.
		out.Bytes += virtual - r.virtual
		out.Largest += virtual - r.virtual
	}
	return opt.Of(out)
}

// readAccounted reads the server's smaps beside the loop: on a large server that
// takes a while, some 10 ms per GB, and makes whatever maps memory wait. So it is
// done only where the rest leaves the question open, and once an hour at most.
func (w *Watcher) readAccounted(p *process, virtual uint64) {
	if p.room.reading || time.Now().Before(p.room.accountedAt) {
		return
	}
	p.room.reading, p.room.accountedAt = true, time.Now().Add(accountedEvery)
	w.followers.Go(func() {
		a, cost, err := child.Timed(w.opts.CPUTime, p.Committed)
		w.opts.Budget.Spend(cost)
		w.post(func() {
			p.room.reading = false
			switch {
			case err == nil:
				p.room.accounted, p.room.virtual = opt.Of(a), virtual
				p.room.at = time.Time{} // so that the room is judged anew
			case !errors.Is(err, proc.ErrGone):
				w.log.Debug("Whether the kernel would refuse a fork is not known", "err", err)
			}
		})
	})
}

// ReadLimits implements Machine.
func (m LocalMachine) ReadLimits(pid int, virtual uint64) limits.Limits {
	return m.Limits.Read(pid, virtual)
}
