package watch

import (
	"errors"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/history"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/proc"
)

const (
	// Reading smaps takes the longer the larger the server is, and makes it wait.
	// It is the truth that the cgroup and the counters are held to, and what is left
	// where they can't tell.
	firstExact  = 250 * time.Millisecond // at the birth there is nothing to read yet
	exactEvery  = time.Second            // where nobody else can be trusted
	exactRarely = 30 * time.Second       // at least, whoever is trusted
)

// wantsExact tells whether a reading of smaps is due.
func (s *sampler) wantsExact(now time.Time) bool {
	if s.blind || now.Before(s.nextExact) {
		return false
	}
	return !s.trusted || s.unproved || now.Sub(s.exactAt) >= exactRarely
}

// affordsExact tells whether smaps may be read now. What the first reading costs
// may be paid afterwards where nobody else can be trusted, and all of it where the
// line can't be drawn without it.
func (s *sampler) affordsExact() bool {
	budget, resident := s.w.opts.Budget, s.meter.last.child.Or(0)
	switch {
	case s.trusted:
		return budget.Allow(resident)
	case s.exacts == 0 && s.dark:
		return budget.AllowFirst(0)
	}
	return budget.AllowFirst(resident)
}

// trust tells whether private dirty memory is told by what smaps need not be asked
// about every second, and whether it has told enough to be checked.
func (s *sampler) trust(r reading, dirty opt.Val[fork.Sample]) (trusted, unproved bool) {
	d, ok := dirty.Get()
	if !ok || d.Source == fork.SourcePagemap || !s.process.smapsRead.Load() || !s.meter.huge.Present() {
		return false, false
	}
	_, cgroup := s.meter.byCgroup(r)
	return cgroup || !s.huge && s.meter.leads(r), s.meter.unproved(d.PrivateDirty)
}

// exact reads the child's smaps.
func (s *sampler) exact() opt.Val[fork.Sample] {
	const source = fork.SourceChildSmaps
	server := s.w.opts.Server
	start := time.Now()
	smaps, cost, err := timed(s.w.opts.CPUTime, s.child.Smaps)
	s.w.opts.Budget.SpendExact(smaps.Rss, cost)
	s.exacts++
	server.CountSampler(source, cost)
	now := time.Now()
	s.exactAt, s.nextExact = now, now.Add(exactEvery)
	switch {
	case err == nil:
		server.SetAvailable(source, true)
		s.process.smapsDenied.Store(false)
		s.process.smapsRead.Store(true)
		s.meter.huge = opt.Of(smaps.AnonHugePages > 0)
		if smaps.AnonHugePages > 0 {
			s.huge = true
			s.process.hadHuge.Store(true)
		}
		return opt.Of(fork.Sample{
			Time:          start.Add(now.Sub(start) / 2),
			Source:        source,
			PrivateDirty:  smaps.PrivateDirty,
			AnonymousHuge: opt.Of(smaps.AnonHugePages),
		})
	case errors.Is(err, proc.ErrGone):
	case errors.Is(err, proc.ErrDenied):
		s.blind = true
		s.process.smapsDenied.Store(true) // by a security module, say: the rights don't show it
		s.meter.unanchor()
		if server.SetAvailable(source, false) {
			s.w.log.Warn("The child's smaps can't be read", "err", err, "remedy", remedySmaps)
		}
	default:
		server.CountReadError(history.ReadError{Source: source, Reason: "failed"})
		s.w.log.Debug("Reading the child's smaps failed", "err", err)
	}
	return opt.Val[fork.Sample]{}
}
