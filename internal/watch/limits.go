package watch

import (
	"context"
	"errors"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/limits"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
)

const (
	// limitsEvery is how often the limits are read while no child lives; while one does
	// they are read with the rest, once a second.
	limitsEvery = 10 * time.Second
	// committedEvery is how often the server's smaps may be read to learn what of it
	// a fork has to commit, if ever.
	committedEvery = time.Hour
)

// limitsRead is what a watcher keeps about the limits of a process.
type limitsRead struct {
	at     time.Time
	living int // children then
	// committed is what smaps said of the server when it had virtual bytes of address space.
	committed   opt.Val[limits.Committed]
	virtual     uint64
	committedAt time.Time // not to be read again before
	reading     bool      // of committed is under way
}

// readLimits reads what the machine leaves a fork.
func (w *Watcher) readLimits(ctx context.Context) {
	now := time.Now()
	p, living := w.process, w.living()
	if living == 0 && p.limits.living == 0 && now.Sub(p.limits.at) < limitsEvery {
		return
	}
	p.limits.at, p.limits.living = now, living
	stat, err := p.Stat()
	if err != nil {
		return
	}
	l := w.opts.Machine.ReadLimits(p.ID().PID, stat.VirtualBytes)
	l.Committed = p.limits.commits(l, stat.VirtualBytes)
	w.apply(ctx, track.Limits{Limits: l})
	if c, ok := l.Committed.Get(); ok && c.AtMost && !l.Passes(c) && living == 0 && w.opts.Sampling {
		w.readCommitted(p, stat.VirtualBytes)
	}
}

// commits estimates what the kernel would charge a fork of the server now, which has
// virtual bytes of address space; absent where l says that it makes no difference. Without
// smaps nothing is known but that it is less than the address space.
func (r *limitsRead) commits(l limits.Limits, virtual uint64) opt.Val[limits.Committed] {
	if !l.Commit.Present() && !l.Mapping.Present() {
		return opt.Val[limits.Committed]{}
	}
	c, ok := r.committed.Get()
	if !ok {
		return opt.Of(limits.Committed{Bytes: virtual, Largest: virtual, AtMost: true})
	}
	if heap := c.Bytes > r.virtual/2; heap && virtual > r.virtual {
		// What the heap has grown by since is charged too, perhaps in one mapping.
		c.Bytes += virtual - r.virtual
		c.Largest += virtual - r.virtual
	}
	return opt.Of(c)
}

// readCommitted reads the server's smaps beside the loop: on a large server that
// takes a while, some 10 ms per GB, and makes whatever maps memory wait. So it is
// done only where the rest leaves the question open, and once an hour at most. virtual is
// the server's address space in bytes.
func (w *Watcher) readCommitted(p *process, virtual uint64) {
	if p.limits.reading || time.Now().Before(p.limits.committedAt) {
		return
	}
	p.limits.reading, p.limits.committedAt = true, time.Now().Add(committedEvery)
	w.followers.Go(func() {
		c, cost, err := child.Timed(w.opts.CPUTime, p.Committed)
		w.opts.Budget.Spend(cost)
		w.post(committed{p, c, virtual, err})
	})
}

// committed is what smaps said of what a fork has to commit.
type committed struct {
	of        *process
	committed limits.Committed
	virtual   uint64
	err       error
}

func (c committed) happen(_ context.Context, w *Watcher) {
	r := &c.of.limits
	r.reading = false
	switch {
	case c.err == nil:
		r.committed, r.virtual = opt.Of(c.committed), c.virtual
		r.at = time.Time{} // so that the limits are judged anew
	case !errors.Is(c.err, proc.ErrGone):
		w.log.Debug("Whether the kernel would refuse a fork is not known", "err", c.err)
	}
}
