package watch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// accountEvery is how often delay accounting is looked for where there was none.
const accountEvery = time.Minute

// remedyAccounting returns what makes delay accounting available, by the error that
// stands in the way.
func remedyAccounting(err error) string {
	switch {
	case errors.Is(err, taskstats.ErrDenied):
		return words.ReadDelays(words.TheExporter)
	case errors.Is(err, taskstats.ErrUnsupported):
		return words.BuildDelaysIn
	case errors.Is(err, taskstats.ErrVersion):
		return words.NewerDelays
	}
	return words.SwitchDelaysOn
}

// process is the server's process: proved, held and watched.
type process struct {
	Process
	died opt.Val[time.Time]
	gone bool   // it is not the server any more: it has died, or another is
	stop func() // ends the watch over its children
	free func() // lets another server have it

	counters     child.Counters
	idle         child.Idle         // readings of the counters without a child
	experience   child.Experience   // of its children
	delaysAt     time.Time          // no look for delay accounting before
	toldNoDelays bool               // why there is none was said
	endTail      context.CancelFunc // ends the tail of the last fork
	room         room
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

// openCounters finds out which counters there are of a server.
func (w *Watcher) openCounters(p *process) {
	p.counters.Process = p.Process
	if !w.opts.Sampling {
		return
	}
	cgroup, err := w.opts.Machine.MemoryCgroup(p.ID().PID)
	if err == nil {
		p.counters.Cgroup = cgroup
	} else {
		w.log.Debug("The server's memory cgroup can't be read", "err", err)
	}
	w.openDelays(p)
}

// openDelays finds out whether the kernel accounts the server's delays; said once, and
// looked at again now and then: an answer may be missing by chance.
func (w *Watcher) openDelays(p *process) {
	p.delaysAt = time.Now().Add(accountEvery)
	accounted, err := w.opts.Machine.Accounted(p.ID().PID)
	if err == nil && (!accounted || w.opts.Machine.AccountingOff()) {
		err = child.ErrNoDelays
	}
	if err != nil {
		w.noDelays(p, err)
		return
	}
	if p.counters.Delays == nil {
		info, ok := w.last.what.Get()
		mainServes := !ok || info.Software != redisinfo.SoftwareKeyDB // whose worker threads serve, one at a time
		pid := p.ID().PID
		p.counters.Delays = func() (taskstats.Stats, error) { return w.opts.Machine.Accounting(pid, mainServes) }
	}
	w.opts.Server.SetAvailable(fork.SourceTaskstats, true)
}

// noDelays notes that delay accounting does not tell of a process.
func (w *Watcher) noDelays(p *process, why error) {
	said := slog.LevelDebug
	if !p.toldNoDelays || p.counters.Delays != nil {
		said = slog.LevelInfo
	}
	p.toldNoDelays, p.counters.Delays = true, nil
	w.opts.Server.SetAvailable(fork.SourceTaskstats, false)
	w.log.Log(context.Background(), said, "The time that copies take is not known", "why", why, "remedy", remedyAccounting(why))
}

// readIdle notes the counters while there is no child.
func (w *Watcher) readIdle() {
	p := w.process
	if !w.opts.Sampling || w.living() > 0 {
		return
	}
	if p.counters.Delays == nil && time.Now().After(p.delaysAt) {
		w.openDelays(p)
	}
	if p.counters.Delays != nil && w.opts.Machine.AccountingOff() {
		w.noDelays(p, child.ErrNoDelays)
	}
	r, err := p.counters.Read(nil)
	if err != nil {
		return
	}
	if p.counters.Delays != nil && !r.HasDelays() {
		w.openDelays(p) // no answer: why?
	}
	w.opts.Server.SetAvailable(fork.SourceCgroup, r.HasCgroup())
	p.idle.Add(r)
}
