package track

import (
	"time"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
	"github.com/redis-fork-exporter/redis_fork_exporter/internal/opt"
)

// kindKnownWithin is how soon nearly every fork's kind is known.
const kindKnownWithin = time.Second

// booked is what of an open fork is in the totals already.
type booked struct {
	until         time.Time // its life, up to here
	bytes, faults uint64    // of its copies
	stall         float64
}

// accounts are the closed forks by what the server's own count says of them.
type accounts struct {
	closed    int // counted by the server
	uncounted int // not counted, but copies of it
}

// book adds a living child's time since the last call to its kind. At first that is
// unknown, and the time waits.
func (s *Server) book(f *openFork, now time.Time) {
	if f.phase != living || f.Kind == fork.KindUnknown && now.Sub(f.booked.until) < kindKnownWithin {
		return
	}
	s.see(f.Kind)
	s.bookUntil(f, now)
}

func (s *Server) bookUntil(f *openFork, until time.Time) {
	if until.After(f.booked.until) {
		s.state.Totals.ChildSeconds[f.Kind] += until.Sub(f.booked.until).Seconds()
		f.booked.until = until
	}
}

// account adds a closed fork to the totals, and makes it its kind's last.
func (s *Server) account(f *openFork) {
	t := &s.state.Totals
	t.Children[f.Kind]++
	if reason, failed := f.Outcome.Reason(); failed {
		t.Failed[f.Kind][reason]++
	}
	if f.Outcome == fork.OutcomeCancelled {
		t.Cancelled[f.Kind]++
	}
	if stall, ok := f.StallSeconds.Get(); ok {
		s.observeStall(stall, f.ResidentBytes)
	}
	peak := f.WholePeak()
	resident := f.ResidentBytes.Or(0)
	if p, ok := peak.Get(); ok && resident > 0 && !f.Partial {
		t.PeakRatio.Observe(float64(p) / float64(resident))
	}
	last := LastFork{
		ID:              f.ID,
		Start:           f.Start,
		Outcome:         f.Outcome,
		StallSeconds:    f.StallSeconds,
		LifetimeSeconds: f.LifetimeSeconds,
		ResidentBytes:   f.ResidentBytes,
		PeakBytes:       peak,
		ExtraPeakBytes:  f.WholeExtraPeak(),
		ReportedBytes:   f.ReportedCOWBytes,

		CopiedBytes:      f.CopiedBytes,
		CopyStallSeconds: f.CopyStallSeconds,
	}
	if tail, ok := f.Tail.Get(); ok {
		last.TailSeconds = opt.Of(tail.Seconds)
	}
	s.state.Last[f.Kind] = last
	switch {
	case f.counted:
		s.accounts.closed++
	case f.uncounted:
		s.closedUncounted()
	}
}

// closedUncounted counts a closed fork that the server does not count. Its duration is
// unobserved, so that the accounts of children and durations stay equal.
func (s *Server) closedUncounted() {
	s.accounts.uncounted++
	s.countUnobserved(0, 1)
}
