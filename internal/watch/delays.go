package watch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/child"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/redisinfo"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/taskstats"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/track"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/words"
)

// delaysEvery is how often delay accounting is looked for where there was none.
const delaysEvery = time.Minute

// delays is what is kept about the delay accounting of a process.
type delays struct {
	at   time.Time // no look for it before
	told bool      // why there is none
}

// remedyDelays returns what makes delay accounting available, by the error that
// stands in the way.
func remedyDelays(err error) string {
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

// openCounters finds out which counters there are of a server.
func (w *Watcher) openCounters(ctx context.Context, p *process) {
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
	w.openDelays(ctx, p)
}

// openDelays finds out whether the kernel accounts the server's delays; said once, and
// looked at again now and then: an answer may be missing by chance.
func (w *Watcher) openDelays(ctx context.Context, p *process) {
	p.delays.at = time.Now().Add(delaysEvery)
	has, err := w.opts.Machine.HasDelays(p.ID().PID)
	if err == nil && (!has || w.opts.Machine.DelaysOff()) {
		err = child.ErrNoDelays
	}
	if err != nil {
		w.noDelays(ctx, p, err)
		return
	}
	if p.counters.Delays == nil {
		// KeyDB's worker threads serve too, one at a time.
		mainServes := w.answer.info.Software != redisinfo.SoftwareKeyDB
		pid := p.ID().PID
		p.counters.Delays = func() (taskstats.Stats, error) { return w.opts.Machine.Delays(pid, mainServes) }
	}
	w.apply(ctx, track.SourceChanged{Source: fork.SourceTaskstats, OK: true})
}

// noDelays notes that delay accounting does not tell of a process.
func (w *Watcher) noDelays(ctx context.Context, p *process, why error) {
	level := slog.LevelDebug
	if !p.delays.told || p.counters.Delays != nil {
		level = slog.LevelInfo
	}
	p.delays.told, p.counters.Delays = true, nil
	w.apply(ctx, track.SourceChanged{Source: fork.SourceTaskstats})
	w.log.Log(ctx, level, "The time that copies take is not known", "why", why, "remedy", remedyDelays(why))
}

// checkDelays looks whether delay accounting was switched on or off since the last look.
func (w *Watcher) checkDelays(ctx context.Context, p *process) {
	if p.counters.Delays == nil && time.Now().After(p.delays.at) {
		w.openDelays(ctx, p)
	}
	if p.counters.Delays != nil && w.opts.Machine.DelaysOff() {
		w.noDelays(ctx, p, child.ErrNoDelays)
	}
}
