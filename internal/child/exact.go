package child

import (
	"errors"
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
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

// trust is how far private dirty memory is known without smaps.
type trust int

const (
	trustNobody    trust = iota // only smaps tells: read it every second
	trustUnchecked              // another source tells, and has led far enough for smaps to say whether it is right
	trustChecked                // another source tells: read smaps rarely
)

// exactReader decides when a child's smaps is read.
type exactReader struct {
	blind bool      // smaps can't be read: said once, not tried again
	dark  bool      // nothing told the child's private dirty memory the last time
	reads int       // so far
	at    time.Time // of the last one, or the birth
	next  time.Time // not before
	trust trust
}

// due reports whether a reading of smaps is due.
func (e *exactReader) due(now time.Time) bool {
	if e.blind || now.Before(e.next) {
		return false
	}
	return e.trust != trustChecked || now.Sub(e.at) >= exactRarely
}

// affords reports whether budget can pay for reading smaps now, of a child that has
// resident bytes. What the first reading costs may be paid afterwards where nobody else can be trusted, and all of
// it where the line can't be drawn without it.
func (e *exactReader) affords(budget *Budget, resident uint64) bool {
	switch {
	case e.trust != trustNobody:
		return budget.Allow(resident)
	case e.reads == 0 && e.dark:
		return budget.AllowFirst(0)
	}
	return budget.AllowFirst(resident)
}

// judge returns how far private dirty memory is known without smaps, after a point that
// said private by the reading r.
func (s *sampler) judge(r Reading, private opt.Val[fork.Sample]) trust {
	p, ok := private.Get()
	if !ok || p.Source == fork.SourcePagemap || !s.learned.SmapsRead || s.meter.huge == hugePossible {
		return trustNobody
	}
	_, cgroup := s.meter.byCgroup(r)
	switch {
	case !cgroup && (s.meter.huge != hugeImpossible || !s.meter.leads(r)):
		return trustNobody
	case s.meter.unchecked(p.PrivateDirty):
		return trustUnchecked
	}
	return trustChecked
}

// readExact reads the child's smaps.
func (s *sampler) readExact() opt.Val[fork.Sample] {
	start := time.Now()
	smaps, cost, err := Timed(s.opts.CPUTime, s.opts.Child.Smaps)
	s.opts.Budget.SpendExact(smaps.Rss, cost)
	s.exact.reads++
	now := time.Now()
	s.exact.at, s.exact.next = now, now.Add(exactEvery)
	read := fork.Read{Source: fork.SourceChildSmaps, Cost: cost, Err: err}
	learned := s.learned
	switch {
	case err == nil:
		learned.SmapsRead, learned.SmapsDenied = true, false
		learned.HadHuge = learned.HadHuge || smaps.AnonHugePages > 0
		s.meter.huge = s.meter.huge.seen(smaps.AnonHugePages)
	case errors.Is(err, proc.ErrGone):
	case errors.Is(err, proc.ErrDenied): // by a security module, say: the rights don't show it
		read.Reason = fork.ReasonDenied
		s.exact.blind = true
		learned.SmapsDenied = true
		s.meter.unanchor()
	default:
		read.Reason = fork.ReasonFailed
	}
	s.point.Reads = append(s.point.Reads, read)
	s.learn(learned)
	if err != nil {
		return opt.Val[fork.Sample]{}
	}
	return opt.Of(fork.Sample{
		Time:          start.Add(now.Sub(start) / 2),
		Source:        fork.SourceChildSmaps,
		PrivateDirty:  smaps.PrivateDirty,
		AnonymousHuge: opt.Of(smaps.AnonHugePages),
	})
}
